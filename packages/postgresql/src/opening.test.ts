import { expect, test } from "vitest";
import { describeClosed } from "./opening.ts";

const file = "000000010000000000000003";

test.each([
  [
    { refusal: "no such role", file, isMoving: true, master: "a" },
    "it refuses this node's own session on its socket: no such role",
  ],
  [{ file: undefined, isMoving: false, master: "a" }, "it does not read its log yet"],
  [{ file, isMoving: true, master: undefined }, `it reads its log, and is at the file ${file}`],
  [
    { file, isMoving: false, master: "a" },
    `it has been at the file ${file} of its log for 10 s or more, and may not know which transactions were running there. It waits for a to tell it`,
  ],
  [
    { file, isMoving: false, master: undefined },
    expect.stringMatching(
      /were running there\. A master would tell it\. If none ever comes, see "A standby that does not open"/,
    ),
  ],
])("says why a server does not open: %j", (seen, words) => {
  expect(describeClosed({ refusal: "", ...seen })).toEqual(words);
});
