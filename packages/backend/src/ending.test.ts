import { EtcdAuthError, EtcdNoSpaceError, EtcdUnavailableError } from "@msdha/etcd-client";
import { LockLostError } from "@msdha/etcd-lock";
import { NameTakenError, NodeKeyLostError } from "@msdha/group";
import { GuardBusyError, GuardLostError, GuardPastDeadlineError, KillNotPermittedError } from "@msdha/guard";
import { HookFailedError, HookNotRunnableError } from "@msdha/hook-runner";
import { expect, test } from "vitest";
import { describeEnding, type Ending, endingOf, exitCodeOf } from "./ending.ts";

test.each([
  [69, new EtcdUnavailableError("no answer")],
  [69, new EtcdNoSpaceError("database space exceeded")],
  [70, new HookFailedError("ready", { kind: "exit", code: 1 })],
  [70, new HookNotRunnableError("ready", "/hooks/ready", "no")],
  [71, new GuardLostError("it died")],
  [71, new Error("something else")],
  [73, new NameTakenError("a", "it is")],
  [73, new GuardBusyError("/run/msdha/lock", [])],
  [75, new LockLostError(1)],
  [75, new NodeKeyLostError("/msdha/db/a")],
  [75, new GuardPastDeadlineError()],
  [77, new EtcdAuthError("no")],
  [77, new KillNotPermittedError(1, [])],
])("ends with code %d for %s", (code, error) => {
  expect(exitCodeOf(endingOf(error))).toBe(code);
});

test.each<[number, Ending]>([
  [0, { kind: "planned", why: "asked to" }],
  [7, { kind: "main-exit", exit: { code: 7, signal: null } }],
  [137, { kind: "main-exit", exit: { code: null, signal: "SIGKILL" } }],
])("ends with code %d for %j", (code, ending) => {
  expect(exitCodeOf(ending)).toBe(code);
});

test("describes every ending in one line", () => {
  expect(describeEnding({ kind: "main-exit", exit: { code: null, signal: "SIGSEGV" } })).toBe(
    "the main process ended by SIGSEGV",
  );
  expect(describeEnding(endingOf("just text"))).toBe("just text");
});
