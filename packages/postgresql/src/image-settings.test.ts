import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../../", import.meta.url);

test("the page of the hooks names what the image sets, for nodes by hand", () => {
  const dockerfile = readFileSync(new URL("Dockerfile", root), "utf8");
  const page = readFileSync(new URL("images/backend-postgresql/hooks/README.md", root), "utf8");
  const settings = page.match(/^export (.*)$/m)?.[1]?.split(" ") ?? [];
  expect(settings).toContain("MSDHA_MASTER_TTL=infinity");
  expect(settings).toHaveLength(4);
  for (const setting of settings) {
    const [name = "", value = ""] = setting.split("=");
    expect(page).toMatch(new RegExp(`^\\| \`${name}\` +\\| \`${value}\` +\\|`, "m"));
    expect(dockerfile).toMatch(new RegExp(`^ +${setting}( \\\\)?$`, "m"));
  }
});
