import { expect, test } from "vitest";
import { parseEntry } from "../support/journal.ts";
import { createGroupHistory } from "./group-history.ts";
import { followHookCalls } from "./hook-call-runs.ts";

const change = { type: "PUT", key: "a", value: "start", createRevision: 2, lease: "7" } as const;

test("wants the last change only from those that are said to be alive", () => {
  const history = createGroupHistory();
  const calls = followHookCalls(history);
  calls.started("b");
  history.add({ ...change, revision: 2 }, 0);
  calls.add(parseEntry("change b run1 17 100 init a start"));
  history.add({ ...change, revision: 3, value: "ready" }, 1);
  expect(calls.failures(new Set(["run1"]))).toMatchObject([{ node: "b", run: "run1", after: 1 }]);
  expect(calls.failures()).toEqual([]);
});

test("knows the run of a node that was started again only once its hook was called", () => {
  const calls = followHookCalls(createGroupHistory());
  calls.started("b");
  calls.add(parseEntry("change b run1 17 100 init a start"));
  expect(calls.lastRun("b")).toBe("run1");
  calls.started("b");
  expect(calls.lastRun("b")).toBeUndefined();
  calls.add(parseEntry("change b run2 17 200 init a start"));
  expect(calls.lastRun("b")).toBe("run2");
});
