import { describe, expect, test } from "vitest";
import { checkHookCalls, type HookCall } from "./check-hook-calls.ts";
import type { NodeChange } from "./group-history.ts";

const history = [
  "2 PUT a start",
  "3 PUT a ready",
  "4 PUT b start",
  "5 PUT a master",
  "6 DELETE a",
  "6 DELETE b",
  "7 PUT b start",
  "8 PUT b ready",
].map(toChange);
const options = { notBefore: 0, compactions: [] };

function toChange(line: string): NodeChange {
  const [revision, action, node = "", state = ""] = line.split(" ");
  return { revision: Number(revision), action: action as "PUT" | "DELETE", node, state };
}

function callsOf(...calls: readonly string[]): readonly HookCall[] {
  return calls.map((call) => {
    const [action = "", node = "", state = ""] = call.split(" ");
    return { action, node, state };
  });
}

describe("the check of the calls that a node made", () => {
  test("takes a state and all that follows", () => {
    const calls = callsOf("init a ready", "PUT b start", "PUT a master", "DELETE a", "DELETE b");
    expect(checkHookCalls(history, calls, options)).toBeUndefined();
  });

  test("takes an empty state", () => {
    expect(checkHookCalls(history, callsOf("PUT a start", "PUT a ready"), options)).toBeUndefined();
  });

  test("finds a gap", () => {
    expect(
      checkHookCalls(history, callsOf("init a ready", "PUT b start", "DELETE a"), options),
    ).toMatchObject({
      after: 2,
      call: { action: "DELETE", node: "a" },
      expected: { revision: 5 },
    });
  });

  test("finds a repeat", () => {
    const calls = callsOf("init a ready", "PUT b start", "PUT b start");
    expect(checkHookCalls(history, calls, options)).toMatchObject({ after: 2 });
  });

  test("finds a wrong order", () => {
    expect(
      checkHookCalls(history, callsOf("init a ready", "PUT a master", "PUT b start"), options),
    ).toBeDefined();
  });

  test("finds a state that never was", () => {
    expect(checkHookCalls(history, callsOf("init a stopped"), options)).toBeDefined();
    expect(checkHookCalls(history, callsOf("init a master", "DELETE a"), options)).toBeDefined();
  });

  test("finds a state that is older than the node", () => {
    expect(checkHookCalls(history, callsOf("init a ready"), { ...options, notBefore: 5 })).toBeDefined();
  });

  test("takes the beginning of a state from a node that ended then, by name, and only then", () => {
    const since4 = { ...options, notBefore: 4 };
    expect(checkHookCalls(history, callsOf("init a ready"), since4)).toBeUndefined();
    expect(checkHookCalls(history.slice(0, 4), callsOf("init b start"), since4)).toBeDefined();
    expect(checkHookCalls(history, callsOf("init a ready", "PUT a master"), since4)).toBeDefined();
    expect(
      checkHookCalls(history.slice(0, 4), callsOf("init a ready"), { ...since4, complete: true }),
    ).toBeDefined();
  });

  test("finds a state in the middle of a revision", () => {
    expect(checkHookCalls(history, callsOf("init b start", "DELETE b"), options)).toBeDefined();
  });

  test("finds that the end is missing where it must not be", () => {
    const calls = callsOf("init b start");
    expect(checkHookCalls(history, calls, options)).toBeUndefined();
    expect(checkHookCalls(history, calls, { ...options, complete: true })).toMatchObject({
      expected: { revision: 8 },
    });
  });

  test("takes the net difference over a compaction, and only there", () => {
    const calls = callsOf("init a ready", "DELETE a", "PUT b start", "PUT b ready");
    expect(checkHookCalls(history, calls, options)).toBeDefined();
    expect(checkHookCalls(history, calls, { ...options, compactions: [5], complete: true })).toBeUndefined();
    expect(checkHookCalls(history, calls, { ...options, compactions: [3] })).toBeDefined();
  });

  test("takes no difference that leaves something out", () => {
    const calls = callsOf("init a ready", "PUT b start", "PUT b ready");
    expect(checkHookCalls(history, calls, { ...options, compactions: [5] })).toBeDefined();
  });
});
