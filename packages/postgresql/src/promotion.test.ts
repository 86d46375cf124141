import { describe, expect, test } from "vitest";
import { askCandidate, type CandidateServer, type Eligibility } from "./candidacy.ts";
import type { SeenGroup } from "./master-over.ts";
import type { Position } from "./position.ts";
import { type PromotedServer, promoteInSync } from "./promotion.ts";
import { formatRecord, type SyncRecord } from "./quorum.ts";

const position = (bytes: bigint): Position => ({
  timeline: 1,
  bytes,
  began: 0n,
  standby: true,
  settled: true,
  free: true,
});

interface Told {
  readonly record: SyncRecord;
  readonly noted?: Eligibility;
  readonly others?: Readonly<Record<string, bigint>>;
  readonly mark?: string;
  readonly seen?: SeenGroup;
}

/** Node `b` with 100 bytes is to be promoted with token 2. */
function promoteB(told: Told, { nodes = 1 } = {}) {
  const { did, server, store } = nodeB(told);
  return { did, promoted: promoteInSync(server, store, { token: "2", member: "b", mode: "strict", nodes }) };
}

function nodeB({ record, noted: before, others = {}, mark, seen }: Told) {
  const did: string[] = [];
  let own = mark;
  let noted = before;
  const server: PromotedServer & CandidateServer = {
    own: () => ({ member: "b", mark: own, fromArchive: false }),
    letGo: async () => void did.push("let go"),
    seen: async () => seen,
    freePosition: async () => position(100n),
    async positionsOf({ others: asked, enough }) {
      did.push(`ask ${asked.join(" ")}`);
      const found = asked.flatMap((standby): [string, Position][] => {
        const bytes = others[standby];
        return bytes === undefined ? [] : [[standby, position(bytes)]];
      });
      if (found.length < enough) throw new Error(`can't tell what ${asked.join(" ")} have`);
      return new Map(found);
    },
    requireLittleLag: async () => {},
    recall: () => noted,
    note: (found) => {
      noted = found;
    },
    forget() {
      noted = undefined;
    },
    leaveMark() {
      own = "b 2";
      did.push("mark");
    },
    promote: async (needed, standbys) => void did.push(`promote ${needed} ${standbys.join(" ")}`),
  };
  const store = {
    read: async () => record,
    write: async (next: Exclude<SyncRecord, { kind: "none" }>) => void did.push(formatRecord(next)),
  };
  return { did, server, store };
}

const former = { kind: "sync", needed: 1, token: "1", master: "a", standbys: ["b", "c"] } as const;

test("counts on those that were as far when the node was asked for its candidacy, and asks nobody again", async () => {
  const noted = { rank: "1", record: formatRecord(former), asFar: ["c"], lossAccepted: false };
  const { did, promoted } = promoteB({ record: former, noted });
  await promoted;
  expect(did).toEqual(["mark", "sync 2 b c", "promote 1 c"]);
});

test("asks the others now where nothing was noted before, or not under this record", async () => {
  const outdated = { rank: "1", record: "sync 0 z b", asFar: ["b"], lossAccepted: false };
  for (const noted of [undefined, outdated]) {
    const { did, promoted } = promoteB({ record: former, others: { c: 100n }, ...(noted && { noted }) });
    await promoted;
    expect(did).toEqual(["let go", "ask c", "mark", "sync 2 b c", "promote 1 c"]);
  }
});

test.each([
  ["does not answer", {}],
  ["has more", { c: 108n }],
])("promotes nobody who may lack a commit, as another of the record %s", async (_, others) => {
  const { did, promoted } = promoteB({ record: former, others });
  await expect(promoted).rejects.toThrow(/c/);
  expect(did).toEqual(["let go", "ask c"]);
});

describe("where each commit is on two standbys", () => {
  const record = { ...former, needed: 2, standbys: ["b", "c", "d"] };

  test("asks as many as can't all lack one, and waits for two again", async () => {
    const { did, promoted } = promoteB({ record, others: { d: 100n } }, { nodes: 2 });
    await promoted;
    expect(did).toEqual(["let go", "ask c d", "mark", "sync:2 2 b d", "promote 2 d"]);
  });

  test.each([
    ["none of the others answers", {}],
    ["the one that does has more", { d: 108n }],
  ])("promotes nobody where %s", async (_, others) => {
    const { did, promoted } = promoteB({ record, others }, { nodes: 2 });
    await expect(promoted).rejects.toThrow(/d/);
    expect(did).toEqual(["let go", "ask c d"]);
  });
});

test("does not promote a node that was not in sync", async () => {
  const { did, promoted } = promoteB({ record: { ...former, standbys: ["c"] }, others: { c: 8n } });
  await expect(promoted).rejects.toThrow("was not in sync with a");
  expect(did).toEqual(["let go"]);
});

test("knows the former master's own data by the mark, which it replaces afterwards", async () => {
  const own = { kind: "sync", needed: 1, token: "1", master: "b", standbys: ["c"] } as const;
  const { did, promoted } = promoteB({ record: own, mark: "b 1" });
  await promoted;
  expect(did).toEqual(["let go", "ask ", "mark", "sync 2 b", "promote 1 "]);
});

describe("under an operator's order", () => {
  const nodes = 1;
  const record = { ...former, standbys: ["c"] };

  test("a node that was not in sync is promoted, and commits wait until another node has them", async () => {
    const { did, server, store } = nodeB({ record, others: { c: 108n } });
    await expect(askCandidate(server, store, { acceptLoss: true })).resolves.toMatchObject({
      rank: expect.any(String),
    });
    await promoteInSync(server, store, { token: "2", member: "b", mode: "strict", nodes });
    expect(did).toEqual(["let go", "mark", "sync 2 b", "promote 1 "]);
  });

  test("a yes counts no more when the node is asked again without the order", async () => {
    const { server, store } = nodeB({ record, others: { c: 108n } });
    await askCandidate(server, store, { acceptLoss: true });
    await expect(askCandidate(server, store)).rejects.toThrow("was not in sync with a");
    await expect(
      promoteInSync(server, store, { token: "2", member: "b", mode: "strict", nodes }),
    ).rejects.toThrow(/not in sync/);
  });

  test("a yes counts for no later record", async () => {
    const { server, store } = nodeB({ record, others: { c: 108n } });
    await askCandidate(server, store, { acceptLoss: true });
    const later = { ...store, read: async () => ({ ...record, token: "5", master: "d" }) };
    await expect(
      promoteInSync(server, later, { token: "6", member: "b", mode: "strict", nodes }),
    ).rejects.toThrow(/not in sync/);
  });
});

test("asks nobody for a question that is older than the record: its master may be there", async () => {
  const before = { revision: 100, hasMaster: false, hasHolder: true, newestTerm: 0 };
  const early = nodeB({ record: former, others: { c: 100n }, seen: before });
  await expect(askCandidate(early.server, early.store)).rejects.toThrow("a may be the master by now");
  expect(early.server.recall()).toBeUndefined();
  const later = nodeB({ record: former, others: { c: 100n }, seen: { ...before, newestTerm: 1 } });
  expect(await askCandidate(later.server, later.store)).toMatchObject({ asFar: ["c"] });
});
