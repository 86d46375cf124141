import { join } from "node:path";
import { systemClock } from "@msdha/clock";
import type { Etcd, EtcdApi } from "@msdha/etcd-client";
import {
  type EtcdMember,
  startChild,
  startEtcd,
  startTcpProxy,
  type TcpProxy,
  tempDir,
  waitFor,
} from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { acquireLease, type Lease } from "../src/index.ts";
import { block, connect, lossOf, putOnLease, revokeByHand } from "./harness.ts";

const TTL_MS = 3_000;
/** Far above what a lease takes, for machines under load; the bench measures it. */
const LATE_MS = 1_000;

let etcd: EtcdMember;
let proxy: TcpProxy;
let client: Etcd;

beforeAll(async () => {
  etcd = await startEtcd();
  proxy = await startTcpProxy(etcd.clientPort);
  client = connect(proxy.port);
});

afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
  await etcd?.[Symbol.asyncDispose]();
});

const acquire = (ttlSeconds = TTL_MS / 1_000): Promise<Lease> =>
  acquireLease(client, { ttlSeconds, probeKey: "/msdha/" });

async function acquireWithKey(): Promise<Lease> {
  const lease = await acquire();
  await putOnLease(client, "/msdha/db/n1", lease);
  lease.prove({ key: "/msdha/db/n1" });
  const { seen } = lease;
  await waitFor(() => lease.seen > seen, { what: "a proof" });
  return lease;
}

describe("a lease is lost at its deadline when etcd", () => {
  test.each([
    ["is frozen", () => etcd.freeze(), async () => etcd.thaw()],
    ["is dead", () => etcd.kill(), () => etcd.restart()],
    ["is behind a black hole", () => proxy.setMode("silent"), () => proxy.setMode("pass")],
    ["refuses connections", () => proxy.setMode("refuse"), () => proxy.setMode("pass")],
  ])("%s", async (_, begin, end) => {
    await using lease = await acquireWithKey();
    await begin();
    try {
      const { error, at } = await lossOf(lease);
      expect(error.kind).toBe("expired");
      expect(error.deadline).toBe(lease.seen + TTL_MS);
      expect(at).toBeGreaterThanOrEqual(error.deadline);
      expect(at - error.deadline).toBeLessThan(LATE_MS);
    } finally {
      await end();
      await etcd.ready();
    }
    expect(() => lease.throwIfLost()).toThrow(expect.objectContaining({ kind: "expired" }));
  });
});

describe("a lease is kept", () => {
  test("when etcd is restarted quickly", async () => {
    await using lease = await acquireWithKey();
    const at = systemClock.now();
    await etcd.restart();
    await waitFor(() => lease.seen > at + TTL_MS, { what: "proofs for one time to live" });
    expect(lease.lost.aborted).toBe(false);
  });

  test("when every connection is cut again and again", async () => {
    await using lease = await acquireWithKey();
    const at = systemClock.now();
    await waitFor(
      () => {
        proxy.cut();
        return lease.seen > at + TTL_MS;
      },
      { what: "proofs for one time to live", intervalMs: 200 },
    );
    expect(lease.lost.aborted).toBe(false);
  });

  test("for a time to live of one second, which etcd raises to two", async () => {
    await using lease = await acquire(1);
    const at = systemClock.now();
    expect(lease.ttlMs).toBe(1_000);
    await waitFor(() => lease.seen > at + 3_000, { what: "proofs for three times to live" });
    expect(lease.lost.aborted).toBe(false);
  });
});

describe("a lease is lost long before its deadline", () => {
  /** One round, and what a machine under load takes. */
  const PROMPT_MS = TTL_MS / 3 + 600;

  test("when it is revoked by hand", async () => {
    await using lease = await acquire();
    const at = systemClock.now();
    await revokeByHand(etcd, lease);
    const loss = await lossOf(lease);
    expect(loss.error.kind).toBe("gone");
    expect(loss.at - at).toBeLessThan(PROMPT_MS);
  });

  test("when it is revoked by hand with the key that proves it", async () => {
    await using lease = await acquireWithKey();
    const at = systemClock.now();
    await revokeByHand(etcd, lease);
    const loss = await lossOf(lease);
    expect(["gone", "proof-failed"]).toContain(loss.error.kind);
    expect(loss.at - at).toBeLessThan(PROMPT_MS);
  });

  test("when the key that proves it is deleted by hand", async () => {
    await using lease = await acquireWithKey();
    const at = systemClock.now();
    await etcd.etcdctl("del", "/msdha/db/n1");
    const loss = await lossOf(lease);
    expect(loss.error.kind).toBe("proof-failed");
    expect(loss.at - at).toBeLessThan(PROMPT_MS);
  });

  test("when the key that proves it is written by hand", async () => {
    await using lease = await acquireWithKey();
    await etcd.etcdctl("put", "/msdha/db/n1", "ready");
    expect((await lossOf(lease)).error.kind).toBe("proof-failed");
  });

  test("when the lock is deleted and taken by another", async () => {
    await using lease = await acquire();
    await using other = await acquire();
    const createRevision = await putOnLease(client, "/msdha/db/_lock", lease);
    lease.prove({ key: "/msdha/db/_lock", createRevision });
    const { seen } = lease;
    await waitFor(() => lease.seen > seen, { what: "a proof" });
    await putOnLease(client, "/msdha/db/_lock", other);
    expect((await lossOf(lease)).error.kind).toBe("proof-failed");
  });

  test("when the lock is deleted and taken again on the same lease", async () => {
    await using lease = await acquire();
    const createRevision = await putOnLease(client, "/msdha/db/_lock", lease);
    await putOnLease(client, "/msdha/db/_lock", lease);
    lease.prove({ key: "/msdha/db/_lock", createRevision });
    expect((await lossOf(lease)).error.kind).toBe("proof-failed");
  });
});

describe("after the event loop was blocked past the deadline", () => {
  test("an answer that waited in the socket counts for nothing", async () => {
    let blocked = false;
    let asked = 0;
    const blocking: EtcdApi = {
      ...client,
      range: (range, options) => {
        const answer = client.range(range, options);
        asked += 1;
        // The first call opens the connection; by the third its answer surely comes during the block.
        if (asked === 3) {
          blocked = true;
          setImmediate(() => block(TTL_MS + 200));
        }
        return answer;
      },
    };
    const proofs: number[] = [];
    const onProof = (seen: number): void => {
      proofs.push(seen);
    };
    await using lease = await acquireLease(blocking, {
      ttlSeconds: TTL_MS / 1_000,
      probeKey: "/msdha/",
      onProof,
    });
    const { error, at } = await lossOf(lease);
    expect(blocked).toBe(true);
    expect(error.kind).toBe("expired");
    expect(at).toBeGreaterThanOrEqual(error.deadline);
    expect(proofs.at(-1)).toBe(error.seen);
  });

  test("whoever asks is told so at once", async () => {
    await using lease = await acquireWithKey();
    block(TTL_MS + 100);
    expect(() => lease.throwIfLost()).toThrow(expect.objectContaining({ kind: "expired" }));
    expect(lease.lost.aborted).toBe(true);
  });
});

test("a process that was frozen past the deadline believes nothing any more when it thaws", async () => {
  await using folder = tempDir();
  await using holder = startChild(
    process.execPath,
    ["--conditions=@msdha/source", join(import.meta.dirname, "holder.ts")],
    { logFile: join(folder.path, "log"), env: { ...process.env, ETCDCTL_ENDPOINTS: etcd.endpoint } },
  );
  const lines = (): string[] => holder.log().trim().split("\n");
  await waitFor(() => lines().filter((line) => line === "proved").length > 1, { what: "two proofs" });
  holder.freeze();
  const before = lines().length;
  await systemClock.sleep(TTL_MS + 500);
  holder.thaw();
  await waitFor(() => !holder.running, { what: "its end" });
  expect(lines().slice(before)).toEqual(["lost: expired"]);
});

test("a released lease takes its keys with it", async () => {
  const lease = await acquireWithKey();
  await lease.release();
  expect(await etcd.etcdctl("get", "/msdha/db/n1")).toBe("");
  expect(lease.lost.aborted).toBe(false);
});
