import {
  combineMembers,
  type EtcdApi,
  type KeyValue,
  type LeaseId,
  type Transaction,
  type TransactionResult,
} from "@msdha/etcd-client";
import type { Random } from "@msdha/etcd-simulated";
import type { MachineCopy, RunFacts } from "../facts/facts.ts";
import { createDriftingClock } from "../world/drifting-clock.ts";
import { createLink } from "../world/network.ts";
import type { World } from "../world/world.ts";
import { connectDirectly } from "./connect-member.ts";

const PROOFS_PER_TTL = 3;
const KILL_AT_TTLS = 1.75;
const RETRY_MS = 100;

/**
 * Clones the machine of a run that holds the lock and has proven it: the copy goes on beside it, on a machine of its own
 * that faults leave alone. It is no production code, but does what docs/protocol.md says of the lock's holder: it renews
 * the lease, and proves the lock by a write over the last value that it, or the run before the snapshot, has written. It
 * ends when it finds another value, when the lock is gone, and when its kill time has come.
 */
export function startCopy(world: World, run: RunFacts, random: Random): void {
  const { lease, lock } = run;
  const mark = lease === undefined ? undefined : world.etcd.store.get(world.keys.proof(lease));
  if (lease === undefined || !lock || !mark || !run.marks.has(mark.value)) return;
  world.trace(run.id, () => "its machine is cloned: both go on");
  runCopy(world, { run, lease, token: lock.token, last: mark.value, random });
}

interface Snapshot {
  readonly run: RunFacts;
  readonly lease: LeaseId;
  readonly token: number;
  /** What the last proof wrote. */
  readonly last: string;
  readonly random: Random;
}

function runCopy(world: World, { run, lease, token, random, ...snapshot }: Snapshot): void {
  const { facts, keys, scheduler } = world;
  const clock = createDriftingClock(scheduler, { rate: run.rate, offset: 0 });
  const etcd = connect(world, random);
  const key = keys.proof(lease);
  const own = new Set(run.marks);
  const everyMs = run.ttlMs / PROOFS_PER_TTL;
  const copy: MachineCopy = { end: () => end("its machine goes down") };
  let { last } = snapshot;
  let seen = clock.now();
  let over = false;

  function end(why: string): void {
    if (over) return;
    over = true;
    facts.copies.delete(copy);
    world.trace(run.id, () => `its copy is over (${why})`);
  }

  function write(value: string): Promise<TransactionResult> {
    own.add(value);
    facts.copyMarks.add(value);
    const proof = { lock: keys.lock, token, lease, key, last, value };
    return etcd.txn(proofTransaction(proof), { timeoutMs: run.ttlMs });
  }

  /** Takes the answer to a write of `value` that was sent at `sent`. */
  function take({ succeeded, results }: TransactionResult, value: string, sent: number): void {
    const [lock, mark] = results.map(firstKey);
    if (!succeeded && lock?.lease !== lease) end("the lock is gone");
    else if (!succeeded && !(mark && own.has(mark.value))) end("another one writes in its name");
    else {
      last = succeeded || !mark ? value : mark.value;
      seen = sent;
    }
  }

  async function prove(): Promise<void> {
    await clock.sleep(random.between(0, everyMs));
    while (!over) {
      const sent = clock.now();
      etcd.leaseKeepAlive(lease, { timeoutMs: run.ttlMs }).catch(() => {});
      const value = `${sent} copy of ${run.id}`;
      const answer = await write(value).catch(() => undefined);
      if (answer && !over) take(answer, value, sent);
      await clock.sleep(answer ? sent + everyMs - clock.now() : RETRY_MS);
    }
  }

  async function watchKillTime(): Promise<void> {
    const leftMs = (): number => seen + KILL_AT_TTLS * run.ttlMs - clock.now();
    while (leftMs() > 0) await clock.sleep(leftMs());
    end("its kill time has come");
  }

  facts.copies.add(copy);
  void prove();
  void watchKillTime();
}

interface Proof {
  readonly lock: string;
  readonly token: number;
  readonly lease: LeaseId;
  /** What is written, and over what. */
  readonly key: string;
  readonly last: string;
  readonly value: string;
}

function proofTransaction({ lock, token, lease, key, last, value }: Proof): Transaction {
  return {
    compare: [
      { key: lock, target: "create", is: "=", value: token },
      { key: lock, target: "lease", is: "=", value: lease },
      { key, target: "value", is: "=", value: last },
    ],
    success: [{ type: "put", key, value, lease }],
    failure: [lock, key].map((each) => ({ type: "range", key: each })),
  };
}

function connect(world: World, random: Random): EtcdApi {
  const clock = createDriftingClock(world.scheduler, { rate: 1, offset: 0 });
  const members = world.etcd.members.map(({ index: member }) => {
    const link = createLink({ random: random.fork(), ...world.scenario.network });
    return connectDirectly(world, { member, link, clock });
  });
  return combineMembers(members, { clock });
}

function firstKey(result: TransactionResult["results"][number]): KeyValue | undefined {
  return result.type === "range" ? result.kvs[0] : undefined;
}
