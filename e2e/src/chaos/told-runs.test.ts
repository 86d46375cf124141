import { expect, test } from "vitest";
import { parseEntry } from "../support/journal.ts";
import { createGroupHistory } from "./group-history.ts";
import { followTold } from "./told-runs.ts";

const change = { type: "PUT", key: "a", value: "start", createRevision: 2, lease: "7" } as const;

test("wants the last change only from those that are said to be alive", () => {
  const history = createGroupHistory();
  const told = followTold(history);
  told.started("b");
  history.add({ ...change, revision: 2 }, 0);
  told.add(parseEntry("change b run1 17 100 init a start"));
  history.add({ ...change, revision: 3, value: "ready" }, 1);
  expect(told.failures(new Set(["run1"]))).toMatchObject([{ node: "b", run: "run1", after: 1 }]);
  expect(told.failures()).toEqual([]);
});

test("knows the run of a node that was started again only once it is told something", () => {
  const told = followTold(createGroupHistory());
  told.started("b");
  told.add(parseEntry("change b run1 17 100 init a start"));
  expect(told.lastRun("b")).toBe("run1");
  told.started("b");
  expect(told.lastRun("b")).toBeUndefined();
  told.add(parseEntry("change b run2 17 200 init a start"));
  expect(told.lastRun("b")).toBe("run2");
});
