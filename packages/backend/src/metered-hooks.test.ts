import { expect, it } from "vitest";
import { meterHooks } from "./metered-hooks.ts";

it("notes runs and failures, and no hook that there is not", async () => {
  const notes: unknown[] = [];
  let now = 0;
  const ran = { durationMs: 2_000, lastLines: [] };
  const hooks = meterHooks(
    {
      find: async (hook) => `/hooks/${hook}`,
      async run(hook) {
        now += 2_000;
        if (hook === "alive") throw new Error("dead");
        return hook === "ready" ? ran : undefined;
      },
    },
    (...note) => notes.push(note),
    () => now,
  );
  expect(await hooks.find("ready")).toBe("/hooks/ready");
  expect(await hooks.run("ready", { env: {} })).toBe(ran);
  expect(await hooks.run("candidate", { env: {} })).toBeUndefined();
  await expect(hooks.run("alive", { env: {} })).rejects.toThrow("dead");
  expect(notes).toEqual([
    ["ready", 2, false],
    ["alive", 2, true],
  ]);
});
