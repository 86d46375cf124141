import { expect, test } from "vitest";
import { parseNotes } from "./history-notes.ts";

test("reads the notes of hooks by token, and leaves out what is none", () => {
  const notes = parseNotes("12 lost 40 kB of the log of one\nnonsense\n-1 x\n15 \n14 a\n14 b\n");
  expect([...notes]).toEqual([
    [12, "lost 40 kB of the log of one"],
    [14, "b"],
  ]);
  expect(parseNotes(undefined).size).toBe(0);
});
