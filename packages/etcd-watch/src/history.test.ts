import { createManualClock } from "@msdha/clock";
import { EtcdUnavailableError, type WatchEvent } from "@msdha/etcd-client";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createFakeEtcd, type Write } from "../test/fake-etcd.ts";
import type { WatchBatch } from "./batch.ts";
import { watchPrefix } from "./watch-prefix.ts";

type Step =
  | { readonly do: "write"; readonly writes: readonly Write[] }
  | { readonly do: "wait"; readonly ms: number }
  | {
      readonly do:
        | "break"
        | "silence"
        | "repeat"
        | "compact"
        | "restore"
        | "swallow"
        | "tell"
        | "save"
        | "consume"
        | "refuse"
        | "accept";
    };

const key = fc.constantFrom("/p/a", "/p/b", "/p/c", "/q/a");
const write: fc.Arbitrary<Write> = fc.oneof(
  fc.record({ put: key, value: fc.constantFrom("1", "2") }),
  fc.record({ delete: key }),
);
const writes: fc.Arbitrary<Step> = fc
  .uniqueArray(write, { minLength: 1, maxLength: 3, selector: (each) => Object.values(each)[0] })
  .map((several) => ({ do: "write", writes: several }));
const wait: fc.Arbitrary<Step> = fc.constantFrom(0, 20, 60, 3_000, 12_000).map((ms) => ({ do: "wait", ms }));
const only = (...names: readonly Exclude<Step["do"], "write" | "wait">[]): fc.Arbitrary<Step> =>
  fc.constantFrom(...names).map((name) => ({ do: name }));

const faults = only("break", "silence", "repeat", "consume", "refuse", "accept");
const steps = (...more: readonly fc.Arbitrary<Step>[]): fc.Arbitrary<readonly Step[]> =>
  fc.array(fc.oneof({ arbitrary: writes, weight: 3 }, { arbitrary: wait, weight: 2 }, faults, ...more), {
    maxLength: 40,
  });

/** Carries the steps out, a slow consumer among them, lets the watch catch up, and returns what it told. */
async function run(all: readonly Step[]): Promise<{ told: WatchBatch[]; history: readonly WatchEvent[] }> {
  const clock = createManualClock();
  const etcd = createFakeEtcd();
  const stop = new AbortController();
  const told: WatchBatch[] = [];
  let mayConsume = Promise.withResolvers<void>();
  let saved = etcd.save();
  const consume = async (): Promise<void> => {
    for await (const batch of watchPrefix(etcd.api, "/p/", { clock, signal: stop.signal })) {
      told.push(batch);
      await mayConsume.promise;
    }
  };
  const consuming = consume().catch((error: unknown) => error);
  await clock.advance(0);
  for (const step of all) {
    if (step.do === "write") etcd.write(...withoutVain(step.writes, etcd.history));
    else if (step.do === "wait") await clock.advance(step.ms);
    else if (step.do === "break") etcd.breakStreams(new EtcdUnavailableError("reset"));
    else if (step.do === "silence") for (const stream of etcd.streams) stream.silent = true;
    else if (step.do === "repeat") etcd.streams.at(-1)?.send({ events: within(etcd.history) });
    else if (step.do === "compact") etcd.compact();
    else if (step.do === "swallow") etcd.swallows = () => true;
    else if (step.do === "tell") etcd.swallows = () => false;
    else if (step.do === "save") saved = etcd.save();
    else if (step.do === "restore") etcd.restore(saved);
    else if (step.do === "refuse") etcd.onCall = refuse;
    else if (step.do === "accept") etcd.onCall = () => {};
    else mayConsume = release(mayConsume);
  }
  etcd.onCall = () => {};
  mayConsume.resolve();
  mayConsume = Promise.withResolvers();
  mayConsume.resolve();
  await clock.advance(60_000);
  stop.abort(new Error("over"));
  expect(await consuming).toMatchObject({ message: "over" });
  expect(clock.sleeping).toBe(0);
  return { told, history: within(etcd.history) };
}

function release(gate: PromiseWithResolvers<void>): PromiseWithResolvers<void> {
  gate.resolve();
  return Promise.withResolvers();
}

function refuse(): never {
  throw new EtcdUnavailableError("connection refused");
}

/** etcd tells no deletion of a key that is not there; a revision of nothing else would be none. */
function withoutVain(several: readonly Write[], history: readonly WatchEvent[]): readonly Write[] {
  const present = replay(history);
  const real = several.filter((each) => "put" in each || present.has(each.delete));
  return real.length > 0 ? real : [{ put: "/q/b" }];
}

const within = (events: readonly WatchEvent[]): WatchEvent[] =>
  events.filter(({ kv }) => kv.key.startsWith("/p/"));

function replay(events: readonly WatchEvent[], state = new Map<string, string>()): Map<string, string> {
  for (const { type, kv } of events) {
    if (type === "DELETE") state.delete(kv.key);
    else state.set(kv.key, `${kv.value} @${kv.modRevision}`);
  }
  return state;
}

function stateOf(told: readonly WatchBatch[]): Map<string, string> {
  const state = new Map<string, string>();
  for (const batch of told) {
    if (batch.type === "changes") replay(batch.events, state);
    else for (const kv of batch.kvs) state.set(kv.key, `${kv.value} @${kv.modRevision}`);
  }
  return state;
}

const sorted = (state: ReadonlyMap<string, string>): [string, string][] => [...state].sort();

test("every change is told once, in order and with its revision whole, whatever happens to the streams", async () => {
  await fc.assert(
    fc.asyncProperty(steps(), async (all) => {
      const { told, history } = await run(all);
      const batches = told.slice(1).filter((batch) => batch.type === "changes");
      expect(told[0]).toMatchObject({ type: "snapshot", revision: 1, kvs: [] });
      expect(batches.flatMap(({ events }) => events)).toEqual(history);
      expect(batches.some(({ resync }) => resync)).toBe(false);
      const ends = batches.map(({ events }) => events.at(-1)?.kv.modRevision);
      expect(batches.map(({ revision }) => revision)).toEqual(ends);
      expect(new Set(ends).size).toBe(ends.length);
    }),
    { numRuns: 200 },
  );
});

test("after compactions the state is right, and only batches that say so leave steps out", async () => {
  await fc.assert(
    fc.asyncProperty(steps(only("compact")), async (all) => {
      const { told, history } = await run(all);
      expect(sorted(stateOf(told))).toEqual(sorted(replay(history)));
      let after = 1;
      for (const batch of told) {
        if (batch.type === "snapshot") continue;
        expect(batch.restored).toBe(false);
        const due = history.filter(({ kv }) => kv.modRevision > after && kv.modRevision <= batch.revision);
        if (!batch.resync) expect(batch.events).toEqual(due);
        after = batch.revision;
      }
    }),
    { numRuns: 200 },
  );
});

test("after restores the state is right in the end", async () => {
  await fc.assert(
    fc.asyncProperty(steps(only("compact", "save", "restore")), async (all) => {
      const { told, history } = await run(all);
      expect(sorted(stateOf(told))).toEqual(sorted(replay(history)));
    }),
    { numRuns: 200 },
  );
});

test("after events went missing from streams the state is right in the end, and nothing was told that was not", async () => {
  await fc.assert(
    fc.asyncProperty(steps(only("swallow", "tell", "compact")), async (all) => {
      const { told, history } = await run(all);
      expect(sorted(stateOf(told))).toEqual(sorted(replay(history)));
      const batches = told.filter((batch) => batch.type === "changes");
      expect(history).toEqual(expect.arrayContaining(batches.flatMap(singleSteps)));
    }),
    { numRuns: 200 },
  );
});

/** The events of a batch that are not a net difference: a deletion's revision in one is that of the read. */
function singleSteps({ events, resync }: Extract<WatchBatch, { type: "changes" }>): readonly WatchEvent[] {
  return resync ? events.filter(({ type }) => type === "PUT") : events;
}
