import { createManualClock } from "@msdha/clock";
import type { Mastership } from "@msdha/group";
import { createLog } from "@msdha/log";
import { expect, test } from "vitest";
import { keepCurrentMaster } from "./current-master.ts";
import type { RunFiles } from "./run-files.ts";

const { log } = createLog({ level: "fatal" });

function setUp() {
  const clock = createManualClock();
  const end = new AbortController();
  let full = true;
  let tries = 0;
  let written: string | undefined;
  let master: Mastership = { kind: "master", name: "a", address: "10.0.0.1", token: 1 };
  const files: Pick<RunFiles, "setCurrentMaster"> = {
    async setCurrentMaster(wanted) {
      tries += 1;
      if (full) throw new Error("ENOSPC");
      written = wanted?.name ?? "";
    },
  };
  const write = keepCurrentMaster(files, () => master, { clock, log, signal: end.signal });
  return {
    ...{ clock, end, write },
    makeRoom: () => {
      full = false;
    },
    masterGoes: () => {
      master = { kind: "none" };
    },
    get tries() {
      return tries;
    },
    get written() {
      return written;
    },
  };
}

test("what could not be written is tried again every second, and is then what is true by then", async () => {
  const it = setUp();
  it.write();
  it.write();
  await it.clock.advance(1_000);
  await it.clock.advance(1_000);
  expect([it.tries, it.written]).toEqual([4, undefined]);
  it.makeRoom();
  it.masterGoes();
  await it.clock.advance(1_000);
  expect(it.written).toBe("");
  await it.clock.advance(10_000);
  expect(it.tries).toBe(5);
});

test("is not tried again once the node has ended", async () => {
  const it = setUp();
  it.write();
  await it.clock.advance(0);
  it.end.abort(new Error("over"));
  await it.clock.advance(10_000);
  expect(it.tries).toBe(1);
});
