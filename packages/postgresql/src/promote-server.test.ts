import { expect, test } from "vitest";
import { describeStartup } from "./promote-server.ts";

const file = "000000010000000000000003";

test.each([
  [null, file, `it reads the file ${file} of its log`],
  [null, undefined, "it reads its log"],
  [
    "RestoreCommand",
    file,
    `it waits for its restore_command, which does not end, after the file ${file} of its log`,
  ],
  ["DataFileRead", file, `it is at the file ${file} of its log, and waits for DataFileRead`],
])("says of a server that waits for %s at %s", (event, at, line) => {
  expect(describeStartup(event, at)).toBe(line);
});
