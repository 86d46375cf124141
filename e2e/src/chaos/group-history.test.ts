import { expect, test } from "vitest";
import { createGroupHistory, type KeyChange } from "./group-history.ts";

function put(
  revision: number,
  key: string,
  value: string,
  lease: string,
  createRevision = revision,
): KeyChange {
  return { revision, type: "PUT", key, value, createRevision, lease };
}

test("the master is who the lock names and whose key on the same lease says so", () => {
  const history = createGroupHistory();
  history.add(put(1, "a", "ready", "7"), 10);
  history.add(put(2, "_lock", '{"node":"a","takenAfter":"wait"}', "7"), 20);
  expect(history.master()).toBeUndefined();
  history.add(put(3, "a", "master", "7", 1), 30);
  history.add(put(4, "b", "master", "8"), 40);
  expect(history.masterships).toEqual([{ node: "a", token: 2, from: 30, to: Number.POSITIVE_INFINITY }]);
  history.add(put(5, "a", "master", "0", 1), 50);
  expect(history.masterships).toEqual([{ node: "a", token: 2, from: 30, to: 50 }]);
  expect(history.nodeChanges).toHaveLength(4);
});

test("a mastership that was seen late begins no later than its hook", () => {
  const history = createGroupHistory();
  history.add(put(1, "a", "master", "7"), 10);
  history.promoted(2, 15);
  history.add(put(2, "_lock", '{"node":"a","takenAfter":"wait"}', "7"), 20);
  expect(history.master()).toMatchObject({ from: 15 });
  history.promoted(2, 12);
  expect(history.master()).toMatchObject({ from: 12 });
});

test("a mastership whose hook has begun and that was not seen yet leaves it behind", () => {
  const history = createGroupHistory();
  expect(history.isBehind).toBe(false);
  history.promoted(2, 15);
  expect(history.isBehind).toBe(true);
  history.add(put(1, "a", "master", "7"), 30);
  history.add(put(2, "_lock", '{"node":"a","takenAfter":"wait"}', "7"), 30);
  expect(history.isBehind).toBe(false);
});
