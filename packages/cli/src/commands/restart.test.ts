import { expect, test } from "vitest";
import { describeRestarted } from "./restart.ts";

test.each<[readonly string[], readonly string[], string]>([
  [["b", "a"], [], "2 nodes have restarted: b, a\n"],
  [["b"], ["c", "d"], "1 node has restarted: b\nnot there, so not restarted: c, d\n"],
])("a rolling restart of %j says so, and that %j were not there", (restarted, absent, text) => {
  expect(describeRestarted(restarted, absent)).toBe(text);
});
