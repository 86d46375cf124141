import { createManualClock } from "@msdha/clock";
import { type EtcdApi, EtcdUnavailableError } from "@msdha/etcd-client";
import { createLog } from "@msdha/log";
import { describe, expect, it } from "vitest";
import { registerFrontend } from "./register.ts";

describe("registerFrontend", () => {
  it("puts its key on a lease, and asks nothing of etcd but to renew it", async () => {
    const trial = start();
    await trial.clock.advance(60_000);
    const [grant, put, ...rest] = trial.calls;
    expect([grant, put]).toEqual(["grant", "put 1"]);
    expect(new Set(rest)).toEqual(new Set(["renew 1"]));
    expect(rest.length).toBeLessThanOrEqual(60 / 10 / 0.4);
    await trial.registration[Symbol.asyncDispose]();
    expect(trial.calls.at(-1)).toBe("revoke 1");
  });

  it("registers anew at once when its lease is gone", async () => {
    const trial = start();
    await trial.clock.advance(3_000);
    trial.gone.add("1");
    await trial.clock.advance(1_000);
    expect(trial.calls).toContain("put 2");
  });

  it("registers within a second when etcd can be reached again", async () => {
    const trial = start({ reachable: false });
    await trial.clock.advance(30_000);
    expect(trial.calls).toEqual([]);
    trial.reachable = true;
    await trial.clock.advance(1_000);
    expect(trial.calls).toEqual(["grant", "put 1"]);
  });
});

interface Trial {
  readonly clock: ReturnType<typeof createManualClock>;
  readonly registration: ReturnType<typeof registerFrontend>;
  /** What etcd was asked for, as far as it answered. */
  readonly calls: string[];
  readonly gone: Set<string>;
  reachable: boolean;
}

/** A frontend with a TTL of 10 s, and an etcd that grants leases 1, 2 and so on. */
function start({ reachable = true } = {}): Trial {
  const clock = createManualClock();
  const calls: string[] = [];
  const gone = new Set<string>();
  const state = { reachable };
  let granted = 0;
  const call = (name: string): void => {
    if (!state.reachable) throw new EtcdUnavailableError("no answer");
    calls.push(name);
  };
  const etcd: Pick<EtcdApi, "leaseGrant" | "txn" | "leaseKeepAlive" | "leaseRevoke"> = {
    async leaseGrant(ttlSeconds) {
      call("grant");
      granted += 1;
      return { id: String(granted), ttlSeconds };
    },
    async txn({ success: [put] }) {
      call(`put ${put?.type === "put" ? put.lease : ""}`);
      return { succeeded: true, results: [], revision: 1 };
    },
    async leaseKeepAlive(id) {
      call(`renew ${id}`);
      return gone.has(id) ? 0 : 10;
    },
    async leaseRevoke(id) {
      call(`revoke ${id}`);
    },
  };
  const log = createLog({ level: "silent" }).log;
  const registration = registerFrontend(etcd as EtcdApi, "db", { clock, log, ttlSeconds: 10 });
  return Object.assign(state, { clock, registration, calls, gone });
}
