import { createManualClock } from "@msdha/clock";
import { type EtcdApi, EtcdUnavailableError } from "@msdha/etcd-client";
import { expect, test, vi } from "vitest";
import { grantLease } from "./grant.ts";

test("a lease is asked for again when the error is of another copy of etcd-client", async () => {
  vi.resetModules();
  const copy = await import("@msdha/etcd-client");
  expect(copy.EtcdUnavailableError).not.toBe(EtcdUnavailableError);
  const clock = createManualClock();
  let asked = 0;
  const etcd: Pick<EtcdApi, "leaseGrant"> = {
    leaseGrant: async () => {
      asked += 1;
      if (asked === 1) throw new copy.EtcdUnavailableError("no leader");
      return { id: "7", ttlSeconds: 3 };
    },
  };
  const granted = grantLease(etcd as EtcdApi, 3, { clock });
  await clock.advance(1_000);
  expect(await granted).toMatchObject({ id: "7", ttlMs: 3_000 });
});
