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

test.each(["-c 'a=1", 'a "b', "it's", "a\\"])("refuses %j, which a shell would not take", (line) => {
  expect(() => splitWords(line)).toThrow(
    /^expected (every . to be closed|a character after the last backslash)$/,
  );
});
