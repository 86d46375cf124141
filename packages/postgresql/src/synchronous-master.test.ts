import { describe, expect, test } from "vitest";
import { formatRecord, type SyncRecord } from "./quorum.ts";
import { createSynchronousMaster, type SynchronousServer } from "./synchronous-master.ts";

type Written = Exclude<SyncRecord, { kind: "none" }>;

/** A master `a` with token 1 whose record names these standbys, and what it does, in order. */
function masterOf(
  standbys: readonly string[],
  { mode = "strict" as "preferred" | "strict", needed = 1, nodes = 1 } = {},
) {
  const did: string[] = [];
  const state = {
    connected: standbys,
    has: true,
    now: 0,
    failsToWrite: false,
    found: undefined as SyncRecord | undefined,
  };
  let record: Written = {
    kind: needed === 0 ? "async" : "sync",
    needed,
    token: "1",
    master: "a",
    standbys,
  };
  const server: SynchronousServer = {
    flushed: async () => 100n,
    connected: async () => state.connected,
    waitFor: async (next, names) => void did.push(`S ${next} ${names.join(" ")}`.trim()),
    nobodyCounts: async () => void did.push("nobody counts"),
    disconnect: async (names) => void did.push(`end ${names.join(" ")}`),
    enoughHave: async (_, enough, names) => {
      did.push(`${enough} have ${names.join(" ")}`);
      return state.has;
    },
    checkpoint: async () => void did.push("checkpoint"),
  };
  const store = {
    read: async () => state.found ?? record,
    async write(next: Written) {
      did.push(`V ${formatRecord(next)}`);
      if (state.failsToWrite) throw new Error("etcd does not answer");
      record = next;
    },
  };
  const now = (): number => state.now;
  const options = {
    mode,
    nodes,
    patienceMs: 5_000,
    token: "1",
    server,
    store,
    now,
    log: () => {},
    written: record,
  };
  return { did, state, master: createSynchronousMaster(options) };
}

test("writes the record before a standby that joins counts", async () => {
  const { did, state, master } = masterOf(["b"]);
  state.connected = ["b", "c"];
  await master.round();
  expect(did).toEqual(["V sync 1 a b c", "S 1 b c"]);
});

test("ends the connections of one that leaves, and has another one have everything, before it writes the record", async () => {
  const { did, state, master } = masterOf(["b", "c"]);
  state.connected = ["b"];
  await master.round();
  expect(did).toEqual([]);
  state.now = 2_000;
  await master.round();
  expect(did).toEqual(["S 1 b", "end c", "1 have b", "V sync 1 a b"]);
});

test("leaves the record as it is where no other one has everything", async () => {
  const { did, state, master } = masterOf(["b", "c"]);
  state.connected = ["b"];
  state.has = false;
  await master.round();
  state.now = 2_000;
  await expect(master.round()).rejects.toThrow("no standby of b has all commits yet");
  expect(did).toEqual(["S 1 b", "end c", "1 have b"]);
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
  expect(preferred.did).toEqual(["V async 1 a", "S 0"]);
});

test("waits again before it says so, with a checkpoint between, and for all that are there", async () => {
  const { did, state, master } = masterOf([], { mode: "preferred", needed: 0 });
  state.connected = ["b", "c"];
  await master.round();
  expect(did).toEqual(["S 1 b c", "checkpoint", "1 have b c", "V sync 1 a b c", "S 1 b c"]);
});

test("writes the record again as it is, before it changes the server, when a write has failed", async () => {
  const { did, state, master } = masterOf(["b"]);
  state.connected = ["b", "c"];
  state.failsToWrite = true;
  await expect(master.round()).rejects.toThrow("etcd does not answer");
  state.failsToWrite = false;
  did.length = 0;
  await master.round();
  expect(did).toEqual(["V sync 1 a b", "S 1 b", "V sync 1 a b c", "S 1 b c"]);
});

describe("with two standbys for each commit", () => {
  test("has nobody count for a moment before a larger number does, and all commits on as many before it says so", async () => {
    const { did, master } = masterOf(["b", "c"], { mode: "preferred", nodes: 2 });
    await master.round();
    expect(did).toEqual(["S 1", "nobody counts", "S 2 b c", "2 have b c", "V sync:2 1 a b c"]);
  });

  test("says so before a smaller number does", async () => {
    const { did, state, master } = masterOf(["b", "c"], { mode: "preferred", nodes: 2, needed: 2 });
    state.connected = ["b"];
    await master.round();
    state.now = 5_000;
    await master.round();
    expect(did).toEqual(["V sync 1 a b c", "S 1 b c"]);
  });

  test("forgets one that leaves only when two of the others have everything", async () => {
    const { did, state, master } = masterOf(["b", "c", "d"], { nodes: 2, needed: 2 });
    state.connected = ["b", "c"];
    state.has = false;
    await master.round();
    state.now = 2_000;
    await expect(master.round()).rejects.toThrow("fewer than 2 standbys of b c have all commits yet");
    expect(did).toEqual(["S 2 b c", "end d", "2 have b c"]);
  });
});

test("changes nothing under another master's record", async () => {
  const { did, state, master } = masterOf(["b"]);
  state.connected = ["b", "c"];
  state.failsToWrite = true;
  await expect(master.round()).rejects.toThrow("etcd does not answer");
  state.failsToWrite = false;
  for (const found of [
    { kind: "none" },
    { kind: "sync", needed: 1, token: "2", master: "b", standbys: ["c"] },
  ] as const) {
    did.length = 0;
    state.found = found;
    await expect(master.round()).rejects.toThrow("the group has another master");
    expect(did).toEqual([]);
  }
});

test("says that standbys have come or gone since the last round, and whether it is alone", async () => {
  const { state, master } = masterOf(["b"]);
  await master.round();
  expect([await master.changed(), master.alone, master.missing]).toEqual([false, false, false]);
  state.connected = [];
  expect(await master.changed()).toBe(true);
  await master.round();
  expect([await master.changed(), master.missing]).toEqual([false, true]);
  const alone = masterOf([]);
  await alone.master.round();
  expect(alone.master.alone).toBe(true);
});
