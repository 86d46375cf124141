import { describeError, hasCode } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import type { Nonce } from "@msdha/etcd-lease";
import type { Guard, GuardBusyError } from "@msdha/guard";
import type { HookRunner } from "@msdha/hook-runner";
import type { Log } from "@msdha/log";
import type { BackendConfig } from "./config.ts";
import { describeEnding, type Ending, endingOf } from "./ending.ts";
import type { Node } from "./node.ts";
import { createNodeEnd, endWhenAborted } from "./node-end.ts";
import { askForSuccessor } from "./overtaken.ts";
import { runBackend } from "./run-backend.ts";
import { type RunFiles, volatileFiles } from "./run-files.ts";
import { watchWallClock } from "./wall-clock.ts";

/** The machine that a node runs on. start-backend.ts has the real one, testing/simulation a simulated one. */
export interface BackendHost {
  readonly clock: Clock;
  /** The wall clock, which can be set. */
  readonly wallNow: () => number;
  readonly log: Log;
  readonly nonce: Nonce;
  /** Whether a process may keep a signal from the program that it started. */
  readonly mayKeepSignal: (pid: number, signal: NodeJS.Signals) => boolean;
  /** What the main process and every hook find in their environment. */
  readonly baseEnvironment: Readonly<Record<string, string>>;
  /**
   * Waits some time for what is left of a former run. Rejects with a `GuardBusyError` when it is still alive, with the reason of
   * `signal` on abort.
   */
  startGuard(signal: AbortSignal): Promise<Guard>;
  openFiles(): Promise<RunFiles>;
  /** Resolves when etcd answers. Rejects with the reason of `signal`, or when it does not answer in time. */
  connectEtcd(signal: AbortSignal): Promise<EtcdApi & AsyncDisposable>;
  createHooks(guard: Guard): HookRunner;
  /** Serves the control socket and signals until it is disposed. The node is undefined before it has joined. */
  serve?(currentNode: () => Node | undefined): Promise<AsyncDisposable>;
}

export interface SuperviseOptions {
  /** Asks the node to end in peace. */
  readonly stop: AbortSignal;
  /** Kills what a stop still waits for. Default: never aborts. */
  readonly haste?: AbortSignal;
}

/**
 * Runs one node on a host: guard first, then files, etcd, and the node's life. Resolves with why it ended, when nothing
 * of it is left. Never rejects for what a host or etcd fails to do.
 */
export async function superviseNode(
  config: BackendConfig,
  host: BackendHost,
  { stop, haste = new AbortController().signal }: SuperviseOptions,
): Promise<Ending> {
  const { clock, wallNow, log } = host;
  const end = createNodeEnd(stop);
  let node: Node | undefined;
  try {
    await using guard = await host.startGuard(end.begun);
    endWhenAborted(end, guard.lost);
    await guard.withdrawAtKill(volatileFiles(config.runDir));
    const files = await host.openFiles();
    await using etcd = await host.connectEtcd(end.begun);
    await using _served = await host.serve?.(() => node);
    using _wallClock = watchWallClock({
      clock,
      wallNow,
      onJump(ms) {
        log.info({ ms }, "the wall clock jumped: it was set, or this machine stood still");
        if (node) void askForSuccessor(node);
      },
    });
    const { nonce, mayKeepSignal, baseEnvironment } = host;
    const hooks = host.createHooks(guard);
    const ports = { etcd, clock, wallNow, guard, hooks, files, log, mayKeepSignal, nonce, baseEnvironment };
    return await runBackend(config, ports, {
      end,
      haste,
      onNode: (opened) => {
        node = opened;
      },
    });
  } catch (error) {
    end.because(endingOf(error));
    const ending = end.ending ?? endingOf(error);
    const why = hasCode<GuardBusyError>(error, "ERR_GUARD_BUSY")
      ? describeBusy(config)
      : describeEnding(ending);
    log[ending.kind === "planned" ? "info" : "error"](
      node ? describeError(error) : `could not join the group: ${why}`,
    );
    return ending;
  }
}

function describeBusy({ runDir }: BackendConfig): string {
  return `another node uses MSDHA_RUN_DIR ${runDir}, or something of its former run is still alive`;
}
