import { createManualClock } from "@msdha/clock";
import { type CallOptions, type EtcdApi, EtcdUnavailableError } from "@msdha/etcd-client";
import { acquireLease, type Lease } from "@msdha/etcd-lease";
import { createRandom, createSimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";

const TTL_MS = 3_000;
const LOCK = "/msdha/g/_lock";
const PROOF = "/msdha/g/_proof";

type Call = "range" | "txn" | "leaseGrant" | "leaseKeepAlive" | "leaseRevoke" | "leaseTimeToLive";

/** Two clients for two processes that do the same: the second one is answered what the first one is, until it is live. */
function createCopy(first: EtcdApi, second: EtcdApi) {
  const takes: PromiseWithResolvers<unknown>[] = [];
  const cut = Promise.withResolvers<never>();
  cut.promise.catch(() => {});
  let isLive = false;
  let recorded = 0;
  let played = 0;

  function take(index: number): PromiseWithResolvers<unknown> {
    for (; takes.length <= index; takes.at(-1)?.promise.catch(() => {})) takes.push(Promise.withResolvers());
    return takes[index] as PromiseWithResolvers<unknown>;
  }

  function each(act: (call: Call, argument: never, options: CallOptions) => Promise<unknown>): EtcdApi {
    const names: readonly Call[] = [
      "range",
      "txn",
      "leaseGrant",
      "leaseKeepAlive",
      "leaseRevoke",
      "leaseTimeToLive",
    ];
    const calls = names.map((name) => [
      name,
      (argument: never, options: CallOptions) => act(name, argument, options),
    ]);
    return Object.fromEntries(calls) as unknown as EtcdApi;
  }

  const ask = (etcd: EtcdApi, call: Call, argument: never, options: CallOptions): Promise<unknown> =>
    (etcd[call] as (argument: never, options: CallOptions) => Promise<unknown>)(argument, options);

  return {
    first: each((call, argument, options) => {
      const answer = ask(first, call, argument, options);
      const { resolve, reject } = take(recorded++);
      answer.then(resolve, reject);
      return answer;
    }),
    second: each((call, argument, options) => {
      if (isLive) return ask(second, call, argument, options);
      const aborted = new Promise<never>((_, reject) => {
        options.signal?.addEventListener("abort", () => reject(options.signal?.reason), { once: true });
      });
      return Promise.race([take(played++).promise, cut.promise, aborted]);
    }),
    goLive() {
      isLive = true;
      cut.reject(new EtcdUnavailableError("the connection is that of another machine"));
    },
    get isLive() {
      return isLive;
    },
  };
}

test("of two copies of a machine, taken at any moment, one alone goes on to prove the lock", async () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = createRandom(seed);
    const clock = createManualClock();
    const etcd = createSimulatedEtcd({ clock, seed });
    const clients = [etcd.connect(), etcd.connect()] as const;
    for (const client of clients) client.onAnswer = () => random.between(0, 80);
    const copy = createCopy(...clients);
    const before = (): string => "the same generator";
    // A copy's generator has the same state; the nanosecond in which it is asked is not the same.
    const after = (): string => (copy.isLive ? "another nanosecond" : before());
    const open = (client: EtcdApi, nonce: () => string): Promise<Lease> =>
      acquireLease(client, { ttlSeconds: TTL_MS / 1_000, probeKey: "/msdha/", clock, nonce });
    const opening = Promise.all([open(copy.first, before), open(copy.second, after)]);
    await clock.advance(500);
    const leases = await opening;
    for (const client of clients)
      client.onAnswer = () => (random.chance(0.1) ? "lost" : random.between(0, 80));
    const [{ id }] = leases;
    etcd.store.put(LOCK, "", { lease: id });
    const createRevision = etcd.store.get(LOCK)?.createRevision ?? 0;
    for (const lease of leases) lease.prove({ key: LOCK, createRevision, written: PROOF });
    await clock.advance(random.between(0, 4_000));
    expect(leases[1].seen, `seed ${seed}`).toBe(leases[0].seen);
    const lostBefore = leases[0].lost.aborted;
    copy.goLive();
    for (const client of clients) client.onAnswer = () => random.between(0, 80);
    // One round to find out that the other one writes, and one more where both knew the value that is there.
    await clock.advance((2 * TTL_MS) / 3 + 500);
    const lost = leases.filter(({ lost: { aborted } }) => aborted);
    if (lostBefore) continue;
    expect(lost.length, `seed ${seed}`).toBe(1);
    expect(lost[0]?.lost.reason, `seed ${seed}`).toMatchObject({ kind: "copied" });
    for (const lease of leases) await Promise.all([lease.release(), clock.advance(3_000)]);
  }
});
