import { expect, test } from "vitest";
import { describeRewindFailure, judgeRewindFailure } from "./rewind-failure.ts";

test.each([
  [
    'pg_rewind: error: connection to server at "10.0.0.1", port 5432 failed: Connection refused\n\tIs the server running?',
    "passing",
  ],
  [
    "pg_rewind: error: could not fetch remote file: FATAL:  terminating connection due to administrator command",
    "passing",
  ],
  ["pg_rewind: error: source server must not be in recovery mode", "passing"],
  ['pg_rewind: error: could not write file "base/1/2": No space left on device', "passing"],
  ["PANIC:  could not write to file: No space left on device", "passing"],
  ["pg_rewind: error: could not find previous WAL record at 0/3000028: no such file", "lasting"],
  [
    "pg_rewind: error: could not find common ancestor of the source and target cluster's timelines",
    "lasting",
  ],
  ["pg_rewind: error: source and target clusters are from different systems", "lasting"],
  [
    'pg_rewind: error: could not restore file "000000020000000000000003" from archive\n' +
      "pg_rewind: error: could not find previous WAL record at 0/3000028",
    "unknown",
  ],
  [
    "pg_rewind: error: could not fetch file list: ERROR:  permission denied for function pg_ls_dir",
    "unknown",
  ],
  [
    "ERROR: unable to get file: connection to archive closed\npg_rewind: error: restore_command failed: could not restore file\n" +
      "pg_rewind: error: could not find previous WAL record at 0/3000028",
    "unknown",
  ],
  ["pg_rewind: error: target server must be shut down cleanly", "lasting"],
  ["", "unknown"],
])("judges %s", (output, kind) => {
  expect(judgeRewindFailure(`pg_rewind: connected to server\n${output}\n`)).toBe(kind);
});

test("says why in one line, without the name of the program", () => {
  const output = "pg_rewind: connected to server\npg_rewind: error: could not find it\n";
  expect(describeRewindFailure(output)).toBe("could not find it");
  expect(describeRewindFailure("")).toBe("it was cut short");
});
