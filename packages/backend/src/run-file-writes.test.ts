import { createManualClock } from "@msdha/clock";
import { createLog } from "@msdha/log";
import { expect, test } from "vitest";
import { closeRunFiles, writeLastEnd, writeMaster } from "./run-file-writes.ts";
import type { RunFiles } from "./run-files.ts";

test("a run folder that hangs holds nobody up for more than a second", async () => {
  const clock = createManualClock();
  const hangs = (): Promise<never> => new Promise(() => {});
  const files = { setMaster: hangs, setEnd: hangs, close: hangs } as unknown as RunFiles;
  const node = { clock, files, log: createLog({ level: "silent" }).log };
  const all = Promise.all([
    expect(writeMaster(node, false)).rejects.toThrow("1000 ms"),
    expect(writeLastEnd(node, { end: "clean", state: "master" })).resolves.toBe(false),
    closeRunFiles(node),
  ]);
  await clock.advance(1_000);
  await all;
});
