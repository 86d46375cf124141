import { expect, test } from "vitest";
import { describeWeakened } from "./weakened.ts";

const sound = {
  isMaster: true,
  fsync: "on",
  standbyNames: 'ANY 1 ("b")',
  wantedNames: 'ANY 1 ("b")',
  commit: "on",
  commitOf: [],
};

test.each([
  ["a master as it should be", sound, []],
  ["one whose list MSDHA is about to change", { ...sound, standbyNames: "", wantedNames: undefined }, []],
  [
    "one with another list",
    { ...sound, standbyNames: "" },
    [/^synchronous_standby_names is '', and not 'ANY 1/],
  ],
  [
    "one whose commits do not wait",
    { ...sound, commit: "local" },
    [/^synchronous_commit is local for the server: /],
  ],
  [
    "one where those of a role do not wait",
    { ...sound, commitOf: [{ whose: "role batch", value: "FALSE" }] },
    [/^synchronous_commit is FALSE for role batch: /],
  ],
  [
    "one where those of a role wait for more",
    { ...sound, commitOf: [{ whose: "role x", value: "remote_apply" }] },
    [],
  ],
  ["a standby", { ...sound, isMaster: false, standbyNames: "x", commit: "off" }, []],
  ["a standby that writes nothing through", { ...sound, isMaster: false, fsync: "off" }, [/^fsync is off: /]],
])("of %s", (_what, found, lines) => {
  expect(describeWeakened(found)).toEqual(lines.map((line) => expect.stringMatching(line)));
});
