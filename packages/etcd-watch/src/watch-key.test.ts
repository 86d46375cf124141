import { createManualClock } from "@msdha/clock";
import { expect, test } from "vitest";
import { createFakeEtcd } from "../test/fake-etcd.ts";
import { type KeyState, watchKey } from "./watch-key.ts";

test("yields the state of one key, and each later one", async () => {
  const clock = createManualClock();
  const etcd = createFakeEtcd();
  const stop = new AbortController();
  const states: [string | undefined, number][] = [];
  const consume = async (): Promise<void> => {
    for await (const { kv, revision } of watchKey(etcd.api, "/p/a", { clock, signal: stop.signal })) {
      states.push([kv?.value, revision]);
    }
  };
  const ended = consume().catch((error: unknown) => error);
  await clock.advance(0);
  etcd.write({ put: "/p/a", value: "1" });
  etcd.write({ put: "/p/ab", value: "of another key" });
  etcd.write({ put: "/p/a", value: "2" });
  etcd.write({ delete: "/p/a" });
  await clock.advance(0);
  expect(states).toEqual([
    [undefined, 1],
    ["1", 2],
    ["2", 4],
    [undefined, 5],
  ]);
  stop.abort(new Error("the test is over"));
  expect(await ended).toMatchObject({ message: "the test is over" });
});

test("says when states may be missing, and which state is the newest", async () => {
  const clock = createManualClock();
  const etcd = createFakeEtcd();
  const stop = new AbortController();
  const states: KeyState[] = [];
  const consume = async (): Promise<void> => {
    for await (const state of watchKey(etcd.api, "/p/a", { clock, signal: stop.signal })) states.push(state);
  };
  const ended = consume().catch(() => {});
  await clock.advance(0);
  etcd.hangOpens = true;
  etcd.breakStreams(new Error("reset"));
  for (const value of ["1", "2"]) etcd.write({ put: "/p/a", value });
  etcd.compact();
  etcd.hangOpens = false;
  await clock.advance(1_000);
  expect(states.at(-1)).toMatchObject({ kv: { value: "2" }, revision: 3, resync: true });
  stop.abort();
  await ended;
});

test("refuses an empty key", () => {
  expect(() => watchKey(createFakeEtcd().api, "")).toThrow(TypeError);
});
