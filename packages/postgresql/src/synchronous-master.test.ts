import { expect, test } from "vitest";
import { formatRecord, type SyncRecord } from "./quorum.ts";
import { createSynchronousMaster, type SynchronousServer } from "./synchronous-master.ts";

type Written = Exclude<SyncRecord, { kind: "none" }>;

/** A master `a` with token 1 whose record names these standbys, and what it does, in order. */
function masterOf(
  standbys: readonly string[],
  { mode = "strict" as "preferred" | "strict", kind = "sync" as "sync" | "async" } = {},
) {
  const did: string[] = [];
  const state = { connected: standbys, has: true, now: 0, failsToWrite: false };
  let record: Written = { kind, token: "1", master: "a", standbys };
  const server: SynchronousServer = {
    flushed: async () => 100n,
    connected: async () => state.connected,
    waitFor: async (next, names) => void did.push(`S ${next} ${names.join(" ")}`.trim()),
    disconnect: async (names) => void did.push(`end ${names.join(" ")}`),
    oneHas: async (_, names) => {
      did.push(`has ${names.join(" ")}`);
      return state.has;
    },
    checkpoint: async () => void did.push("checkpoint"),
  };
  const store = {
    read: async () => record,
    async write(next: Written) {
      did.push(`V ${formatRecord(next)}`);
      if (state.failsToWrite) throw new Error("etcd does not answer");
      record = next;
    },
  };
  const now = (): number => state.now;
  const options = { mode, patienceMs: 5_000, token: "1", server, store, now, log: () => {}, written: record };
  return { did, state, master: createSynchronousMaster(options) };
}

test("writes the record before a standby that joins counts", async () => {
  const { did, state, master } = masterOf(["b"]);
  state.connected = ["b", "c"];
  await master.round();
  expect(did).toEqual(["V sync 1 a b c", "S sync b c"]);
});

test("ends the connections of one that leaves, and has another one have everything, before it writes the record", async () => {
  const { did, state, master } = masterOf(["b", "c"]);
  state.connected = ["b"];
  await master.round();
  expect(did).toEqual([]);
  state.now = 2_000;
  await master.round();
  expect(did).toEqual(["S sync b", "end c", "has b", "V sync 1 a b"]);
});

test("leaves the record as it is where no other one has everything", async () => {
  const { did, state, master } = masterOf(["b", "c"]);
  state.connected = ["b"];
  state.has = false;
  await master.round();
  state.now = 2_000;
  await expect(master.round()).rejects.toThrow("no standby of b has all commits yet");
  expect(did).toEqual(["S sync b", "end c", "has b"]);
});

test("waits with strict when the last one leaves; says so before it acknowledges alone with preferred", async () => {
  const strict = masterOf(["b"]);
  const preferred = masterOf(["b"], { mode: "preferred" });
  for (const { master, state } of [strict, preferred]) {
    state.connected = [];
    await master.round();
    state.now = 60_000;
    await master.round();
  }
  expect(strict.did).toEqual([]);
  expect(preferred.did).toEqual(["V async 1 a", "S async"]);
});

test("waits again before it says so, with a checkpoint between, and for all that are there", async () => {
  const { did, state, master } = masterOf([], { mode: "preferred", kind: "async" });
  state.connected = ["b", "c"];
  await master.round();
  expect(did).toEqual(["S sync b c", "checkpoint", "has b c", "V sync 1 a b c", "S sync b c"]);
});

test("writes the record again as it is, before it changes the server, when a write has failed", async () => {
  const { did, state, master } = masterOf(["b"]);
  state.connected = ["b", "c"];
  state.failsToWrite = true;
  await expect(master.round()).rejects.toThrow("etcd does not answer");
  state.failsToWrite = false;
  did.length = 0;
  await master.round();
  expect(did).toEqual(["V sync 1 a b", "S sync b", "V sync 1 a b c", "S sync b c"]);
});
