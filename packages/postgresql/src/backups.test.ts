import { expect, test } from "vitest";
import { createBackups } from "./backups.ts";
import type { HookContext } from "./context.ts";

const DAY = 86_400_000;

/** Resolves with how many backups a look makes whose group noted its last one at this time. */
async function backupsAfter(last: string | undefined): Promise<number> {
  let made = 0;
  const context = {
    settings: { archive: "", backupCommand: "back up", backupIntervalMs: DAY, home: "/run", port: 1 },
    env: { MSDHA_STATE: "master", MSDHA_FENCING_TOKEN: "7" },
    group: { isMaster: () => true },
    store: { get: async () => await Promise.resolve(last), put: async () => await Promise.resolve() },
    clock: { now: () => 0 },
    activity: { begin: () => ({ [Symbol.dispose]() {} }) },
    signal: new AbortController().signal,
    program: () => "/bin",
    log() {},
    async run() {
      made += 1;
      return await Promise.resolve({ code: 0, stdout: "", stderr: "" });
    },
  } as unknown as HookContext;
  await createBackups().look(context);
  return made;
}

const agedDays = (days: number): string => `${new Date(Date.now() - days * DAY).toISOString()} label`;

test.each([
  ["none was made", undefined, 1],
  ["it is two days old", agedDays(2), 1],
  ["it is an hour old", agedDays(1 / 24), 0],
  ["it was made by a clock that is an hour ahead", agedDays(-1 / 24), 0],
  ["it was made by a clock that was a year ahead", agedDays(-365), 1],
])("whether a master makes a backup a day, where %s", async (_, last, made) => {
  expect(await backupsAfter(last)).toBe(made);
});
