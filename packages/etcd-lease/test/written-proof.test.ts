import { systemClock } from "@msdha/clock";
import type { Etcd } from "@msdha/etcd-client";
import { startEtcd, waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { acquireLease } from "../src/index.ts";
import { randomNonce } from "../src/nonce.ts";
import { createProofWriter } from "../src/written-proof.ts";
import { connect, lossOf, putOnLease } from "./harness.ts";

const limit = { timeoutMs: 5_000 };

function put(etcd: Etcd, key: string, value: string): Promise<unknown> {
  return etcd.txn({ compare: [], success: [{ type: "put", key, value }], failure: [] }, limit);
}

test("a lease is proved by writes, and by reads while etcd is out of space", async () => {
  await using member = await startEtcd({ extraArgs: ["--quota-backend-bytes=4194304"] });
  await using etcd = connect(member.clientPort);
  await using lease = await acquireLease(etcd, { ttlSeconds: 3, probeKey: "/msdha/" });
  const createRevision = await putOnLease(etcd, "/lock", lease);
  lease.prove({ key: "/lock", createRevision, written: "/proof" });
  await waitFor(() => member.etcdctl("get", "/proof").then((text) => text !== ""), { what: "a proof" });
  for (let n = 0; n < 10; n += 1) await put(etcd, `/fill/${n}`, "x".repeat(1_000_000)).catch(() => {});
  const isRefused = (): Promise<boolean> =>
    put(etcd, "/more", "x").then(
      () => false,
      ({ code }) => code === "ERR_ETCD_NO_SPACE",
    );
  // etcd raises its alarm a moment after the first put that it refuses.
  await waitFor(isRefused, { what: "an etcd that takes no writes" });
  const full = systemClock.now();
  await waitFor(() => lease.lost.aborted || lease.seen > full + 4_000, { what: "proofs while it is full" });
  expect(lease.lost.aborted).toBe(false);
});

test("of a node and its copy, which have one lease and one token, one loses it", async () => {
  await using member = await startEtcd();
  await using etcd = connect(member.clientPort);
  await using lease = await acquireLease(etcd, { ttlSeconds: 3, probeKey: "/msdha/" });
  const createRevision = await putOnLease(etcd, "/lock", lease);
  const proof = { key: "/lock", createRevision, written: "/proof" };
  const copy = createProofWriter(etcd, lease.id, { clock: systemClock, nonce: randomNonce });
  expect(await copy.write(proof, limit)).toBe(true);
  lease.prove(proof);
  expect((await lossOf(lease)).error.kind).toBe("copied");
  expect(await copy.write(proof, limit)).toBe(true);
});
