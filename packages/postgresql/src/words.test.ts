import { expect, test } from "vitest";
import { splitWords } from "./words.ts";

test.each([
  ["", []],
  ["  -c  a=1\t-c b=2 ", ["-c", "a=1", "-c", "b=2"]],
  ["-c 'log_line_prefix=%m [%p] '", ["-c", "log_line_prefix=%m [%p] "]],
  ["-c \"a=b c\" ''", ["-c", "a=b c", ""]],
  ['a\\ b \'c\\d\' "e\\"f"', ["a b", "c\\d", 'e"f']],
])("parts %j", (line, words) => {
  expect(splitWords(line)).toEqual(words);
});
