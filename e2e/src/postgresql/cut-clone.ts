import { closeSync, existsSync, openSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import type { HookNode } from "./hook-node.ts";
import { send } from "./server-processes.ts";
import { hasEnded, hookProcesses } from "./stages.ts";

/** A clone that was cut in the middle of its transfer. Disposing ends what is left of it. */
export interface CutClone extends AsyncDisposable {
  /** Of pg_basebackup. */
  readonly pid: number;
}

const CLONE_SECONDS = 8;

export interface CutOptions {
  /** How much there is to clone, besides an empty cluster. Default: 256 MiB. */
  readonly bytes?: number;
  /** How much of it has come when it is cut. Default: whatever has. */
  readonly after?: number;
}

/**
 * Has a node begin to clone the master's data, and sends every process of that a signal (SIGKILL, or SIGSTOP) while the
 * data are on their way. Resolves when that is done.
 */
export async function cutClone(
  master: HookNode,
  node: HookNode,
  signal: "SIGKILL" | "SIGSTOP",
  { bytes = 2 ** 28, after = 0 }: CutOptions = {},
): Promise<CutClone> {
  // Holes that are read as zeros: enough to send for some time.
  const ballast = join(master.data, "ballast");
  closeSync(openSync(ballast, "w", 0o644));
  truncateSync(ballast, bytes);
  // It takes some seconds, however fast the machine is: a test that looks late still finds it on its way.
  const rate = `${Math.ceil(bytes / 2 ** 20 / CLONE_SECONDS)}M`;
  const cloning = node.hookWith({ MSDHA_PG_CLONE_MAX_RATE: rate }, "pre_start");
  const half = join(node.data, "..", "data.msdha-new", "data");
  await waitFor(() => existsSync(join(half, "ballast")) || existsSync(join(half, "base")), {
    ...{ what: "a clone on its way", intervalMs: 1, timeoutMs: 60_000 },
  });
  // The log has a connection of its own, which a busy machine opens later than the first file arrives.
  const streams = `SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'`;
  await waitFor(async () => (await master.sql(streams)) !== "0", {
    what: "the log to stream",
    intervalMs: 1,
  });
  const arrived = (): number => statSync(join(half, "ballast"), { throwIfNoEntry: false })?.size ?? 0;
  await waitFor(() => arrived() >= after, { what: "so much of it to arrive", intervalMs: 1 });
  const pids = hookProcesses(node, "pre_start");
  /** The helper among them may still be connected to while it goes. */
  async function allGone(): Promise<void> {
    await cloning;
    await waitFor(() => hookProcesses(node, "pre_start").length === 0 && pids.every(hasEnded), {
      what: "the killed processes to go",
    });
  }
  for (const pid of pids) send(pid, signal);
  const whole = existsSync(join(half, "backup_manifest")) || existsSync(node.data);
  if (whole) throw new Error("the clone was made before it could be cut");
  if (signal === "SIGKILL") await allGone();
  return {
    pid: Math.max(...pids),
    async [Symbol.asyncDispose]() {
      for (const pid of pids) send(pid, "SIGKILL");
      await allGone();
    },
  };
}
