import { expect, test } from "vitest";
import { createWaits } from "./waits.ts";

const wait = { from: 0, to: 100, host: "e1", who: "e1 etcd 7", ms: 50 };

test("adds up what one waited for, and counts only the part between the two times", () => {
  const waits = createWaits();
  waits.add(wait);
  waits.add({ ...wait, from: 100, to: 200, ms: 80 });
  waits.add({ ...wait, who: "e1 etcd 8", ms: 60 });
  expect(waits.longest(0, 200)).toEqual({ who: "e1 etcd 7", ms: 130 });
  expect(waits.longest(0, 100)).toEqual({ who: "e1 etcd 8", ms: 60 });
  expect(waits.longest(50, 150)).toEqual({ who: "e1 etcd 7", ms: 65 });
  expect(waits.longest(200, 300)).toEqual({ who: "nobody", ms: 0 });
});

test("looks at some alone", () => {
  const waits = createWaits();
  waits.add(wait);
  waits.add({ ...wait, host: "n1", who: "n1 node 9", ms: 90 });
  expect(waits.longest(0, 100, ({ host }) => host === "e1")).toEqual({ who: "e1 etcd 7", ms: 50 });
});
