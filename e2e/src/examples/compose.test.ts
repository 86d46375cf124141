import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { msdhaCommand } from "../support/paths.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const FILES = [
  ...readdirSync(join(ROOT, "examples")).map((name) => `examples/${name}/compose.yaml`),
  "images/examples/stack.yaml",
].filter((file) => existsSync(join(ROOT, file)));

interface Service {
  readonly volumes?: readonly (string | object)[];
}

test("there are examples", () => {
  expect(FILES).toContain("examples/postgresql/compose.yaml");
  expect(FILES.length).toBeGreaterThan(4);
});

test.each(FILES)("the doctor has nothing to say against %s", (file) => {
  const { services } = parse(readFileSync(join(ROOT, file), "utf8"), { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>;
  };
  const input = JSON.stringify({
    services: Object.fromEntries(Object.entries(services).map(([name, each]) => [name, normalise(each)])),
  });
  const out = execFileSync(msdhaCommand, ["doctor", "--compose", "-"], { input, encoding: "utf8" });
  expect(out.split("\n").filter((line) => line !== "" && !line.startsWith("✓"))).toEqual([]);
  expect(out).toMatch(/its run folder \/run\/msdha outlives a restart/);
});

/** Spells out what `docker compose config` does, as far as the doctor looks at it. */
function normalise(service: Service): object {
  const volumes = service.volumes?.map((volume) => {
    if (typeof volume !== "string") return volume;
    const [source, target] = volume.split(":");
    return { type: "volume", source, target };
  });
  return { ...service, volumes };
}
