import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHookRunner } from "@msdha/hook-runner";
import { createLog } from "@msdha/log";
import { expect, test } from "vitest";
import { createNodeStateChanges } from "./node-state-changes.ts";

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
