import { createManualClock, type ManualClock } from "@msdha/clock";
import { beforeEach, expect, test } from "vitest";
import { createFakeEtcd, type FakeEtcd } from "../test/fake-etcd.ts";
import type { StateChange } from "./change-feed.ts";
import { followPrefix } from "./follow-prefix.ts";

let clock: ManualClock;
let etcd: FakeEtcd;

beforeEach(() => {
  clock = createManualClock();
  etcd = createFakeEtcd();
});

/** Changes of the map, collected as they come. */
function collect(changes: AsyncIterable<StateChange>): { all: StateChange[]; ended: Promise<unknown> } {
  const all: StateChange[] = [];
  const consume = async (): Promise<void> => {
    for await (const change of changes) all.push(change);
  };
  return { all, ended: consume().catch((error: unknown) => error) };
}

test("has the state of the prefix, and follows it", async () => {
  etcd.write({ put: "/p/a", value: "1" }, { put: "/q/a", value: "1" });
  await using nodes = await followPrefix(etcd.api, "/p/", { clock, decode: ({ value }) => Number(value) });
  expect([...nodes.state]).toEqual([["/p/a", 1]]);
  const { all } = collect(nodes.changes());
  await clock.advance(0);
  etcd.write({ put: "/p/b", value: "2" }, { delete: "/p/a" });
  await clock.advance(0);
  expect([...nodes.state]).toEqual([["/p/b", 2]]);
  expect(nodes.revision).toBe(etcd.revision);
  expect(all).toEqual([{ revision: etcd.revision, keys: new Set(["/p/a", "/p/b"]), restored: false }]);
});

test("leaves out what can't be decoded, and says so", async () => {
  const invalid: string[] = [];
  etcd.write({ put: "/p/a", value: "1" });
  await using numbers = await followPrefix(etcd.api, "/p/", {
    clock,
    decode: ({ value }) => {
      if (!/^\d+$/.test(value)) throw new TypeError(`expected a number, got ${value}`);
      return Number(value);
    },
    onInvalid: (error, { key }) => invalid.push(`${key}: ${String(error)}`),
  });
  await clock.advance(0);
  etcd.write({ put: "/p/a", value: "one" });
  await clock.advance(0);
  expect(numbers.state.size).toBe(0);
  expect(invalid).toEqual(["/p/a: TypeError: expected a number, got one"]);
});

test("gives a slow consumer one change for all that it missed", async () => {
  await using nodes = await followPrefix(etcd.api, "/p/", { clock });
  const changes = nodes.changes();
  const first = changes.next();
  await clock.advance(0);
  etcd.write({ put: "/p/a" });
  await first;
  for (const key of ["/p/b", "/p/c", "/p/b"]) {
    etcd.write({ put: key });
    await clock.advance(0);
  }
  const { value } = await changes.next();
  expect(value).toEqual({ revision: etcd.revision, keys: new Set(["/p/b", "/p/c"]), restored: false });
  await changes.return(undefined as never);
});

test("ends with the reason of the signal, its consumers too", async () => {
  const stop = new AbortController();
  await using nodes = await followPrefix(etcd.api, "/p/", { clock, signal: stop.signal });
  const { ended } = collect(nodes.changes());
  await clock.advance(0);
  stop.abort(new Error("stopped"));
  expect(await ended).toMatchObject({ message: "stopped" });
  expect(nodes.ended.reason).toMatchObject({ message: "stopped" });
  expect(etcd.streams.filter(({ open }) => open)).toEqual([]);
});

test("closes its stream when it is disposed of", async () => {
  const nodes = await followPrefix(etcd.api, "/p/", { clock });
  await clock.advance(0);
  expect(etcd.streams.filter(({ open }) => open)).toHaveLength(1);
  await nodes[Symbol.asyncDispose]();
  expect(etcd.streams.filter(({ open }) => open)).toEqual([]);
  expect(nodes.ended.aborted).toBe(true);
  expect(clock.sleeping).toBe(0);
});

test("rejects when it is stopped before the first state has come", async () => {
  etcd.hangRanges = true;
  const stop = new AbortController();
  const following = followPrefix(etcd.api, "/p/", { clock, signal: stop.signal });
  stop.abort(new Error("stopped"));
  await expect(following).rejects.toThrow("stopped");
});
