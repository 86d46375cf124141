import { expect, test } from "vitest";
import { formerEndEnvironment, readEnd, writeEnd } from "./former-end.ts";

test.each([
  { end: "clean", state: "master" },
  { end: "unclean", state: "running_not_ready" },
] as const)("reads what was written: $end $state", (end) => {
  expect(readEnd(writeEnd(end))).toEqual(end);
});

test.each(["", "clean\n", "clean master", "spotless master\n", "clean MASTER\n"])(
  "takes %j for none",
  (text) => {
    expect(readEnd(text)).toBeUndefined();
  },
);

test("tells hooks empty values when nothing is known", () => {
  expect(formerEndEnvironment(undefined)).toEqual({ MSDHA_FORMER_END: "", MSDHA_FORMER_STATE: "" });
});
