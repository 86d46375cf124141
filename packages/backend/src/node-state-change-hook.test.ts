import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock, systemClock } from "@msdha/clock";
import { createHookRunner, HookFailedError, HookNotRunnableError } from "@msdha/hook-runner";
import { createLog } from "@msdha/log";
import { expect, test } from "vitest";
import { createNodeStateChanges } from "./node-state-change-hook.ts";

test("does not start a call whose hook is still being looked for when the node is about to be gone", async () => {
  const dir = mkdtempSync(join(tmpdir(), "msdha-changes-"));
  writeFileSync(join(dir, "node_state_change"), "#!/bin/sh\n", { mode: 0o755 });
  let started = 0;
  const hooks = createHookRunner({
    dir,
    launch: async () => {
      started += 1;
      return { exited: Promise.resolve({ code: 0, signal: null }), kill: () => {} };
    },
  });
  const changes = createNodeStateChanges({ hookTimeoutMs: 1_000, nodeStateChangeFailure: "log" }, hooks, {
    clock: systemClock,
    log: createLog({ level: "fatal" }).log,
    environment: () => ({}),
    onFailure: () => {},
  });
  changes.push({ action: "PUT", node: "a", state: "ready" });
  changes.close();
  changes.interrupt();
  await changes.idle();
  expect(started).toBe(0);
  await rm(dir, { recursive: true });
});

/** A hook whose runs end as they are told to, one after the other; further ones succeed. */
function setUp(failure: "log" | "stop" | "retry", outcomes: readonly (Error | undefined)[]) {
  const clock = createManualClock();
  const runs: string[] = [];
  const stopped: unknown[] = [];
  const hooks = {
    find: async () => "node_state_change",
    run: async (_hook: string, { args = [] }: { readonly args?: readonly string[] }) => {
      const outcome = outcomes[runs.length];
      runs.push(args.join(" "));
      if (outcome) throw outcome;
      return { durationMs: 1, lastLines: [] };
    },
  };
  const changes = createNodeStateChanges({ hookTimeoutMs: 1_000, nodeStateChangeFailure: failure }, hooks, {
    clock,
    log: createLog({ level: "silent" }).log,
    environment: () => ({}),
    onFailure: (error) => stopped.push(error),
  });
  changes.push({ action: "PUT", node: "a", state: "ready" });
  changes.push({ action: "DELETE", node: "a", state: "" });
  return { clock, changes, runs, stopped };
}

const failed = new HookFailedError("node_state_change", { kind: "exit", code: 1 });
const notStarted = new HookNotRunnableError("node_state_change", "/hooks/node_state_change", "EAGAIN");

test("tells a change again whose hook did not start, and the later ones after it", async () => {
  const { clock, changes, runs } = setUp("log", [notStarted, notStarted]);
  await clock.advance(1_000);
  expect(runs).toEqual(["PUT a ready", "PUT a ready"]);
  await clock.advance(1_000);
  expect(runs).toEqual(["PUT a ready", "PUT a ready", "PUT a ready", "DELETE a "]);
  expect(changes.failures).toBe(0);
});

test("counts a run that failed, and goes on with the next change", async () => {
  const { clock, changes, runs } = setUp("log", [failed]);
  await clock.advance(0);
  expect([runs, changes.failures]).toEqual([["PUT a ready", "DELETE a "], 1]);
});

test("runs a change again that failed, where that is wished", async () => {
  const { clock, changes, runs } = setUp("retry", [failed, failed]);
  await clock.advance(2_000);
  expect([runs.slice(0, 3), runs.length, changes.failures]).toEqual([Array(3).fill("PUT a ready"), 4, 2]);
});

test.each([failed, notStarted])("ends the node at a failure, where that is wished: %s", async (error) => {
  const { clock, stopped } = setUp("stop", [error]);
  await clock.advance(0);
  expect(stopped).toEqual([error]);
});

test("tries nothing again once the node ends", async () => {
  const { clock, changes, runs } = setUp("retry", [failed, failed]);
  await clock.advance(0);
  changes.close();
  changes.interrupt();
  await clock.advance(5_000);
  await changes.idle();
  expect(runs).toEqual(["PUT a ready"]);
});
