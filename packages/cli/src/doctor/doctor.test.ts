import { ASKS, type Ask, type GroupStatus, type NodeStatus, type Term } from "@msdha/group";
import { describe, expect, test } from "vitest";
import { expectFinding } from "../../test/expect-finding.ts";
import type { ListedGroup } from "../render/list.ts";
import { checkEtcd, type EndpointFacts } from "./check-etcd.ts";
import { checkGroup } from "./check-group.ts";
import { checkMachine, type MachineFacts } from "./check-machine.ts";
import { checkRights, type RightsFacts } from "./check-rights.ts";
import { type Finding, worstCode } from "./finding.ts";

const NOW = Date.UTC(2026, 0, 10);
const DAY = 86_400_000;

const etcd: EndpointFacts = {
  endpoint: "https://a:2379",
  version: "3.6.9",
  readMs: 3,
  bytes: 1e6,
  quotaBytes: 2e9,
  certificateEnd: NOW + 90 * DAY,
};

describe("etcd", () => {
  const check = (change: Partial<EndpointFacts>): readonly Finding[] =>
    checkEtcd([{ ...etcd, ...change }, etcd, etcd], { ttlSeconds: 3, now: NOW });

  test("that is well", () => {
    expect(check({}).every(({ level }) => level === "ok")).toBe(true);
  });

  test.each<[string, Partial<EndpointFacts>, Finding["level"], RegExp]>([
    ["does not answer", { error: "connection refused" }, "error", /does not answer: connection refused/],
    ["has a version with known faults", { version: "3.4.23" }, "warning", /known faults/],
    [
      "has no leader",
      { error: "etcd gave no answer within 3000 ms: etcd at a:2379: no leader" },
      "error",
      /https:\/\/a:2379 runs, and has no leader: it reaches no majority/,
    ],
    ["is slow", { readMs: 600 }, "warning", /600 ms, a third of the TTL is 1000 ms/],
    ["is too slow", { readMs: 1_200 }, "error", /1200 ms/],
    [
      "never compacts",
      { revision: 50_000, compactedTo: -1 },
      "warning",
      /50000 revisions.*never|none was ever/,
    ],
    ["is young", { revision: 500, compactedTo: -1 }, "ok", /500 revisions are kept/],
    ["compacts", { revision: 5_000_000, compactedTo: 4_990_000 }, "ok", /10000 revisions are kept/],
    ["compacts too rarely", { revision: 5_000_000, compactedTo: 9 }, "warning", /4999991 revisions are kept/],
    ["has an alarm", { alarm: "ALARM NOSPACE" }, "error", /ALARM NOSPACE/],
    ["is nearly full", { bytes: 1.9e9 }, "warning", /1900 MB of 2000 MB/],
    ["has a certificate that ends soon", { certificateEnd: NOW + 3 * DAY }, "warning", /ends in 3 days/],
    ["has a certificate that has ended", { certificateEnd: NOW - DAY }, "error", /has ended/],
  ])("that %s", (_what, change, level, text) => {
    expectFinding(check(change), level, text);
  });

  test("with one endpoint is one that can be lost", () => {
    expectFinding(checkEtcd([etcd], { ttlSeconds: 3, now: NOW }), "warning", /endpoints of etcd: 1/);
  });
});

const node: NodeStatus = {
  name: "one",
  state: "ready",
  isMaster: false,
  since: NOW,
  address: "10.0.0.1",
  ttlSeconds: 3,
  asks: ASKS,
  run: "r",
  hold: undefined,
  promotion: undefined,
  report: undefined,
};
const pause: Ask = {
  kind: "pause",
  node: undefined,
  revision: 1,
  lease: "0",
  by: "eve@desk",
  why: "",
  at: NOW - 2 * DAY,
  until: NOW + DAY,
  token: undefined,
  to: undefined,
  run: undefined,
  accepted: false,
};
const hold: Ask = { ...pause, kind: "hold", node: "one" };
const term: Term = { token: 9, node: "two", run: "r", beganAt: NOW, takenAfter: "wait" };
const group: GroupStatus = {
  revision: 9,
  master: { kind: "master", name: "two", address: "10.0.0.2", token: 9 },
  holder: undefined,
  nodes: [node, { ...node, name: "two", state: "master", isMaster: true }],
  ttlSeconds: 3,
  pause: undefined,
  switchover: undefined,
  terms: [term],
  frontends: ["front"],
};
const trace: Term = {
  ...term,
  token: 8,
  end: { why: "its run ended without a trace: killed", by: "next_run" },
};

const ended = (token: number, why: string): Term => ({
  ...term,
  token,
  end: { why, at: NOW - 60_000, by: "itself" },
});

describe("a group", () => {
  test("that is moved on purpose is well", () => {
    const terms = [term, ...[8, 7, 6].map((token) => ended(token, "asked to stop: restart"))];
    expect(checkGroup({ ...group, terms }, NOW).every(({ level }) => level === "ok")).toBe(true);
  });

  test("whose last master is gone is not said to have lost none", () => {
    const findings = checkGroup({ ...group, master: { kind: "none" } }, NOW);
    expect(findings.map(({ what }) => what)).not.toContain("no earlier master was killed");
  });

  test("that is well", () => {
    expect(checkGroup(group, NOW).every(({ level }) => level === "ok")).toBe(true);
  });

  test("names the hold to end where holds alone keep nodes from taking over", () => {
    const held = { ...node, hold };
    expect(checkGroup({ ...group, nodes: [held, ...group.nodes.slice(1)] }, NOW)).toContainEqual({
      level: "warning",
      what: "no node could take over: ready, but held back: one",
      todo: "msdha release one, when its work is done",
    });
    expect(checkGroup({ ...group, master: { kind: "none" }, nodes: [held] }, NOW)).toContainEqual({
      level: "error",
      what: "no master: ready, but held back: one",
      todo: "msdha release one, if it may be the master",
    });
  });

  test.each<[string, Partial<ListedGroup>, Finding["level"], RegExp]>([
    ["without nodes", { nodes: [], master: { kind: "none" }, terms: [] }, "error", /no node has joined/],
    [
      "without a master",
      { master: { kind: "none" } },
      "error",
      /no master: no ready node takes the lock: .* \(one\)/,
    ],
    [
      "with a holder of the lock alone",
      { master: { kind: "none" }, holder: "one" },
      "error",
      /one has the lock/,
    ],
    [
      "whose holder of the lock asks the candidates",
      { master: { kind: "none" }, holder: "one", isElecting: true },
      "error",
      /no master: one has the lock, and asks the candidate hooks/,
    ],
    [
      "whose nodes are gone",
      { nodes: [], master: { kind: "none" } },
      "error",
      /no node is here, and two was the last master/,
    ],
    [
      "with no ready node beside a master",
      { nodes: [{ ...node, state: "start", since: NOW - 60_000 }] },
      "warning",
      /could take over from the master: one is start for 1 min/,
    ],
    [
      "with no ready node",
      { master: { kind: "none" }, nodes: [{ ...node, state: "start" }] },
      "warning",
      /no node is ready/,
    ],
    ["without a master under a pause", { master: { kind: "none" }, pause }, "error", /the group is paused/],
    ["with nobody to take over", { nodes: group.nodes.slice(1) }, "warning", /no node could take over/],
    ["with different TTLs", { nodes: [...group.nodes, { ...node, ttlSeconds: 10 }] }, "warning", /3, 10 s/],
    [
      "with an older node",
      { nodes: [...group.nodes, { ...node, asks: 0 }] },
      "warning",
      /older version, which take no requests: one/,
    ],
    [
      "with a node that takes some requests alone",
      { nodes: [...group.nodes, { ...node, name: "three", asks: ASKS - 1 }] },
      "warning",
      /do not take every request \(promote\): three/,
    ],
    ["under a pause that has an end", { pause }, "ok", /paused by eve@desk for 2 d/],
    [
      "under a pause that was forgotten",
      { pause: { ...pause, until: undefined } },
      "warning",
      /without an end/,
    ],
    ["under a pause that is over", { pause: { ...pause, until: NOW - 1 } }, "warning", /its time is over/],
    [
      "with a hold of a node that is not there",
      { absentHolds: [{ ...pause, kind: "hold", node: "gone", until: undefined }] },
      "warning",
      /gone is held back by .* without an end/,
    ],
    [
      "with a hold that was forgotten",
      {
        nodes: [...group.nodes, { ...node, hold: { ...pause, kind: "hold", node: "one", until: undefined } }],
      },
      "warning",
      /one is held back/,
    ],
    ["whose master ended without a trace", { terms: [term, trace] }, "warning", /1 ended without a trace/],
    [
      "whose last master is gone without a word",
      { master: { kind: "none" }, terms: [term] },
      "warning",
      /how the last time of two as the master ended is not known/,
    ],
    [
      "that moves from node to node",
      { terms: [term, ...[8, 7, 6].map((token) => ended(token, "hook alive ended with code 1"))] },
      "warning",
      /3 masters have ended unasked within an hour, the last one, two: hook alive/,
    ],
    [
      "that may have lost data",
      { terms: [{ ...term, losses: "of one: it was ahead" }] },
      "warning",
      /may have lost data: of one/,
    ],
    [
      "with new data asked of a node that is there",
      { reinits: [{ ...pause, kind: "reinit", node: "one", at: NOW - 60_000 }] },
      "ok",
      /one: reinit asked for 1 min ago, by eve@desk$/,
    ],
    [
      "with new data asked of a node that is not there",
      { reinits: [{ ...pause, kind: "reinit", node: "gone" }] },
      "warning",
      /gone: reinit asked for 2 d ago, by eve@desk; the node is not here/,
    ],
    [
      "with new data asked of no node at all",
      { nodes: [], reinits: [{ ...pause, kind: "reinit", node: "gone" }] },
      "warning",
      /gone: reinit asked for/,
    ],
    [
      "with a key that no node wrote",
      { strays: [{ name: "hand", state: "ready", key: "/msdha/db/hand" }] },
      "warning",
      /hand \(ready\) is no node: its key has no lease/,
    ],
    ["without a frontend", { frontends: [] }, "warning", /no frontend has registered/],
  ])("%s", (_what, change, level, text) => {
    expectFinding(checkGroup({ ...group, ...change }, NOW), level, text);
  });
});

describe("rights", () => {
  const rights: RightsFacts = { user: "eve", mayAsk: true, mayWrite: false, readsOthers: false };

  test("that are well", () => {
    expect(checkRights(rights).every(({ level }) => level === "ok")).toBe(true);
  });

  test.each<[string, Partial<RightsFacts>, Finding["level"], RegExp]>([
    ["no user", { user: undefined }, "warning", /asks for no user/],
    ["no right to ask", { mayAsk: false }, "ok", /may only look: .* a viewer/],
    [
      "a node's rights, but none to ask",
      { mayAsk: false, mayWrite: true },
      "warning",
      /may not make requests/,
    ],
    ["too many rights", { readsOthers: true }, "warning", /may read other groups/],
    ["an etcd that takes no writes", { mayAsk: undefined }, "warning", /can't be found out/],
  ])("%s", (_what, change, level, text) => {
    expectFinding(checkRights({ ...rights, ...change }), level, text);
  });
});

describe("a machine", () => {
  const machine: MachineFacts = {
    park: { ms: 30_000 },
    unresolved: [],
    resolved: 2,
    hooks: { hooks: [{ name: "start", fault: undefined }], misnamed: [] },
    processes: [],
    runFolder: { dir: "/run/msdha", freeBytes: 1e6, freeFiles: 10 },
  };

  test("that is well", () => {
    expect(checkMachine(machine, 3).every(({ level }) => level === "ok")).toBe(true);
    expect(
      checkMachine({ ...machine, park: undefined, hooks: undefined, resolved: 0, runFolder: undefined }, 3),
    ).toEqual([]);
  });

  test.each<[string, Partial<MachineFacts>, Finding["level"], RegExp]>([
    [
      "that parks for too short a time",
      { park: { ms: 5_000 } },
      "warning",
      /MSDHA_PARK is 5 s, three TTLs are 9 s/,
    ],
    ["that does not park", { park: { ms: 0 } }, "ok", /MSDHA_PARK is 0: without a master, connections are/],
    [
      "with a park time that is none",
      { park: { problem: "expected a length of time" } },
      "error",
      /MSDHA_PARK: expected a length of time/,
    ],
    [
      "whose hooks can't be read",
      { hooks: { dir: "/etc/passwd", why: "ENOTDIR" } },
      "error",
      /hooks in \/etc\/passwd can't be read: ENOTDIR/,
    ],
    [
      "that can't resolve a node",
      { unresolved: [{ address: "db9", why: "ENOTFOUND" }] },
      "error",
      /db9 can't be resolved here: ENOTFOUND/,
    ],
    [
      "with a hook that can't run",
      {
        hooks: {
          hooks: [
            { name: "start", fault: undefined },
            { name: "master", fault: "its interpreter /bin/none is missing" },
          ],
          misnamed: [],
        },
      },
      "error",
      /hook master can't be run: its interpreter \/bin\/none is missing/,
    ],
    [
      "whose run folder is full",
      { runFolder: { dir: "/run/msdha", freeBytes: 0, freeFiles: 10 } },
      "error",
      /run folder \/run\/msdha has no space left: 0 bytes/,
    ],
    [
      "whose run folder takes no more files",
      { runFolder: { dir: "/run/msdha", freeBytes: 1e6, freeFiles: 0 } },
      "error",
      /has no space left: no file/,
    ],
    ["without a start hook", { hooks: { hooks: [], misnamed: [] } }, "error", /no hook start/],
    [
      "with a file that was meant for a hook",
      {
        hooks: {
          hooks: [{ name: "start", fault: undefined }],
          misnamed: [{ name: "candidate.sh", hook: "candidate" }],
        },
      },
      "warning",
      /candidate.sh is no hook, and is never run/,
    ],
  ])("%s", (_what, change, level, text) => {
    expectFinding(checkMachine({ ...machine, ...change }, 3), level, text);
  });
});

test("the exit code is that of the worst", () => {
  const of = (...levels: readonly Finding["level"][]): number =>
    worstCode(levels.map((level) => ({ level, what: "" })));
  expect([of(), of("ok"), of("ok", "warning"), of("warning", "error", "ok")]).toEqual([0, 0, 1, 3]);
});
