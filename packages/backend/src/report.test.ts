import { createManualClock } from "@msdha/clock";
import type { Transaction } from "@msdha/etcd-client";
import { createGroupView } from "@msdha/group";
import { HookFailedError, type RunHookOptions } from "@msdha/hook-runner";
import { createLog } from "@msdha/log";
import { expect, test } from "vitest";
import { recordReport } from "./latest-report.ts";
import type { Node } from "./node.ts";
import { followReport } from "./report.ts";
import { behindOf, judgeReplicaWithin } from "./standing.ts";

interface World {
  /** What the hook writes last; undefined: it fails. */
  line: string | undefined;
  role: string;
  etcdAnswers: boolean;
  runs: number;
  readonly published: unknown[];
}

function setUp({ exists = true, ttlMs = 3_000 } = {}) {
  const clock = createManualClock();
  const world: World = { line: "0", role: "candidate", etcdAnswers: true, runs: 0, published: [] };
  const view = createGroupView("db");
  const node = {
    clock,
    config: { reportIntervalMs: 5_000, hookTimeoutMs: Number.POSITIVE_INFINITY },
    end: { begun: new AbortController().signal },
    hooks: {
      find: async () => (exists ? "/hooks/report" : undefined),
      async run(_hook: string, { timeoutMs, onStdout }: RunHookOptions) {
        world.runs += 1;
        if (world.line === undefined) {
          await clock.sleep(timeoutMs ?? 0);
          throw new HookFailedError("report", { kind: "timeout", timeoutMs: timeoutMs ?? 0 });
        }
        onStdout?.("chatter");
        onStdout?.(world.line);
        return true;
      },
    },
    etcd: {
      async txn({ compare, success }: Transaction) {
        if (!world.etcdAnswers) throw new Error("no answer");
        expect(compare).toEqual([{ key: view.keys.node("a"), target: "lease", is: "=", value: "7" }]);
        const [change] = success;
        world.published.push(change?.type === "put" ? JSON.parse(change.value) : change?.type);
      },
    },
    membership: { name: "a", state: "ready" },
    lease: { id: "7", ttlMs, seen: 0, lost: new AbortController().signal },
    follower: { view },
    permission: { check() {} },
    get role() {
      return { kind: world.role };
    },
    baseEnvironment: {},
    log: createLog({ level: "silent" }).log,
    latestReport: recordReport(),
  } as unknown as Node;
  followReport(node);
  return { clock, node, world };
}

test("publishes what has changed, and nothing else", async () => {
  const { clock, world } = setUp();
  await clock.advance(20_001);
  world.line = "1024 catches up";
  await clock.advance(20_000);
  expect(world.published).toEqual([{ behind: 0 }, { behind: 1_024, note: "catches up" }]);
});

test("publishes no more often than the lease is renewed", async () => {
  const { clock, world } = setUp({ ttlMs: 60_000 });
  for (let bytes = 1; bytes <= 20; bytes += 1) {
    world.line = String(bytes);
    await clock.advance(5_000);
  }
  expect(world.runs).toBeGreaterThanOrEqual(20);
  expect(world.published.length).toBeLessThanOrEqual(6);
});

test("takes a report away when the hook fails, and tells when it is known again", async () => {
  const { clock, node, world } = setUp();
  await clock.advance(1);
  world.line = undefined;
  await clock.advance(10_001);
  expect(behindOf(node)).toBeUndefined();
  world.line = "9 bytes, or so";
  await clock.advance(5_000);
  world.line = "nine";
  await clock.advance(5_000);
  expect(world.published).toEqual([{ behind: 0 }, "delete", { behind: 9, note: "bytes, or so" }, "delete"]);
});

test("is quiet while the node becomes the master", async () => {
  const { clock, world } = setUp();
  await clock.advance(1);
  const { runs } = world;
  for (const role of ["waiting", "settled"]) {
    world.role = role;
    world.line = "5";
    await clock.advance(20_000);
  }
  expect([world.runs, world.published.length]).toEqual([runs, 1]);
  world.role = "master";
  await clock.advance(5_000);
  expect(world.published).toEqual([{ behind: 0 }, { behind: 5 }]);
});

test("tries again what etcd did not store", async () => {
  const { clock, world } = setUp();
  world.etcdAnswers = false;
  await clock.advance(10_001);
  world.etcdAnswers = true;
  await clock.advance(5_000);
  expect(world.published).toEqual([{ behind: 0 }]);
});

test("judges a replica by how far it is behind, while that is known", async () => {
  const { clock, node, world } = setUp({ ttlMs: 1e9 });
  world.line = "2000";
  await clock.advance(1);
  expect(judgeReplicaWithin(node, 2_000)).toEqual({ yes: true });
  expect(judgeReplicaWithin(node, 1_999)).toEqual({ yes: false, why: "it is 2000 bytes behind" });
  world.line = "-";
  await clock.advance(5_000);
  expect(judgeReplicaWithin(node, 2_000)).toEqual({ yes: false, why: "how far it is behind is not known" });
});

test("is off without the hook", async () => {
  const { clock, node, world } = setUp({ exists: false });
  await clock.advance(60_000);
  expect([world.runs, world.published, behindOf(node)]).toEqual([0, [], undefined]);
});
