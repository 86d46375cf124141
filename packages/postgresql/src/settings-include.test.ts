import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { expect, test } from "vitest";
import type { HookContext } from "./context.ts";
import { createIncludeWatch, versionOfSettings } from "./settings-include.ts";

const LINE = "include_if_exists = 'msdha.conf'\n";

function contextIn(
  data: string,
  lines: string[],
  act: <T>(action: () => T) => T = (action) => action(),
): HookContext {
  return {
    settings: { data },
    env: { MSDHA_STATE: "master" },
    account: { act },
    files: { exists: () => true },
    server: { takesConnections: () => true, reload: () => lines.push("reload") },
    log: (line: string) => lines.push(line),
  } as unknown as HookContext;
}

test("the line is added again when somebody takes it out, and nothing is done while it is there", async () => {
  await using folder = tempDir();
  const file = join(folder.path, "postgresql.conf");
  const lines: string[] = [];
  const watch = createIncludeWatch();
  const context = contextIn(folder.path, lines);
  const look = (): void => watch.look(context, versionOfSettings(context));
  writeFileSync(file, `work_mem = '1MB'\n${LINE}`);
  look();
  rmSync(file);
  look();
  expect(lines).toEqual([]);
  writeFileSync(file, "work_mem = '22MB'");
  look();
  look();
  expect(lines).toEqual(["reload", expect.stringMatching(/^postgresql.conf did not include msdha.conf/)]);
  expect(readFileSync(file, "utf8")).toBe(`work_mem = '22MB'\n${LINE}`);
});

test("a file that can't be looked at is logged once, and holds up nothing else", async () => {
  await using folder = tempDir();
  const lines: string[] = [];
  const watch = createIncludeWatch();
  const context = contextIn(folder.path, lines, () => {
    throw new Error("permission denied");
  });
  watch.look(context, versionOfSettings(context));
  watch.look(context, versionOfSettings(context));
  expect(lines).toEqual(["postgresql.conf may not include msdha.conf any more: permission denied"]);
});
