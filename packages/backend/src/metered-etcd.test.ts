import type { EtcdApi } from "@msdha/etcd-client";
import { expect, it } from "vitest";
import { meterEtcd } from "./metered-etcd.ts";

function fake(leaseRevoke: () => Promise<void>): EtcdApi & AsyncDisposable & { readonly disposed: number } {
  let disposed = 0;
  return {
    leaseRevoke,
    watch: () => "a watch",
    get disposed() {
      return disposed;
    },
    async [Symbol.asyncDispose]() {
      disposed += 1;
    },
  } as unknown as EtcdApi & AsyncDisposable & { readonly disposed: number };
}

it("notes how long a call took and whether it failed, and changes nothing else", async () => {
  const notes: unknown[] = [];
  let now = 1_000;
  let failure: Error | undefined;
  const etcd = fake(async () => {
    now += 250;
    if (failure) throw failure;
  });
  const metered = meterEtcd(
    etcd,
    (...note) => notes.push(note),
    () => now,
  );
  await metered.leaseRevoke("7", { timeoutMs: 1 });
  failure = new Error("gone");
  await expect(metered.leaseRevoke("7", { timeoutMs: 1 })).rejects.toBe(failure);
  const ended = AbortSignal.abort(new Error("the node ends"));
  await expect(metered.leaseRevoke("7", { timeoutMs: 1, signal: ended })).rejects.toBe(failure);
  expect(notes).toEqual([
    ["lease_revoke", 0.25, false],
    ["lease_revoke", 0.25, true],
  ]);
  expect(metered.watch({ key: "k" }, { signal: ended })).toBe("a watch");
  await metered[Symbol.asyncDispose]();
  expect(etcd.disposed).toBe(1);
});
