import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";

describe("the example of the README", () => {
  it("is the file that this test runs", async () => {
    const [readme, example] = await Promise.all(
      ["../README.md", "./example.ts"].map((file) => readFile(new URL(file, import.meta.url), "utf8")),
    );
    expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
  });

  it("runs, and leads nobody where there is no HAProxy", async () => {
    const { config } = await import("./example.ts");
    expect(config).toContain("bind 0.0.0.0:5432");
  });
});
