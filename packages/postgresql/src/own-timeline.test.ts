import { expect, test } from "vitest";
import { expandCommand } from "./own-timeline.ts";

test("a restore command is run with the name of a file and its place", () => {
  expect(expandCommand('get --stanza=x %f "%p" %r 100%% %x', "00000003.history", "/home/one")).toBe(
    `get --stanza=x 00000003.history "/home/one" ${"0".repeat(24)} 100% %x`,
  );
});
