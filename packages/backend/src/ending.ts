import { constants } from "node:os";
import { describeError, exitCodes, hasCode, listenExitCode } from "@msdha/app";
import type { Ask } from "@msdha/group";
import type { ProcessExit } from "@msdha/hook-runner";
import type { ListenError } from "@msdha/status-port";

/** Why a node ends. */
export type Ending =
  /** It was asked to, or its time as a master is over: whatever can be done in peace is done. */
  | { readonly kind: "planned"; readonly why: string; readonly ask?: Ask }
  | { readonly kind: "main-exit"; readonly exit: ProcessExit }
  /** Lease, lock or node key are gone, or may be: the node has until its kill time. */
  | { readonly kind: "lost"; readonly error: Error }
  | { readonly kind: "failed"; readonly error: unknown };

/** What says that lease, lock or node key are gone, or that the guard had to act as if they were. */
const LOST = ["ERR_LEASE_LOST", "ERR_LOCK_LOST", "ERR_NODE_KEY_LOST", "ERR_GUARD_PAST_DEADLINE"];

/** Sorts an error into the ending that it means. */
export function endingOf(error: unknown): Ending {
  if (hasCode(error, ...LOST)) return { kind: "lost", error };
  return { kind: "failed", error };
}

/** Whether the node, its program above all, came to its end by itself: nothing was killed by anybody. */
export function endedByItself(ending: Ending): boolean {
  return ending.kind !== "main-exit" || ending.exit.signal === null;
}

export function describeEnding(ending: Ending): string {
  switch (ending.kind) {
    case "planned":
      return ending.why;
    case "main-exit":
      return `the main process ended ${describeExit(ending.exit)}`;
    case "lost":
      return ending.error.message;
    case "failed":
      return describeError(ending.error);
  }
}

/** Returns the exit code for the reason of the end; the main process's own if that ended the node. */
export function exitCodeOf(ending: Ending): number {
  switch (ending.kind) {
    case "planned":
      return exitCodes.stopped;
    case "main-exit":
      return ending.exit.code ?? 128 + (ending.exit.signal ? constants.signals[ending.exit.signal] : 0);
    case "lost":
      return exitCodes.lost;
    case "failed":
      return failureCode(ending.error);
  }
}

/** By the error's own code. */
const FAILURE_CODES: Readonly<Record<string, number>> = {
  ERR_HOOK_FAILED: exitCodes.hookFailed,
  ERR_HOOK_NOT_RUNNABLE: exitCodes.hookFailed,
  ERR_GUARD_BUSY: exitCodes.taken,
  ERR_NAME_TAKEN: exitCodes.taken,
  ERR_ETCD_CLUSTER: exitCodes.configuration,
  ERR_ETCD_VERSION: exitCodes.configuration,
  ERR_ETCD_AUTH: exitCodes.notPermitted,
  ERR_KILL_NOT_PERMITTED: exitCodes.notPermitted,
  ERR_ETCD_UNAVAILABLE: exitCodes.unavailable,
  ERR_ETCD_NO_SPACE: exitCodes.unavailable,
};

function failureCode(error: unknown): number {
  if (hasCode<ListenError>(error, "ERR_LISTEN")) return listenExitCode(error.reason);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return FAILURE_CODES[code] ?? exitCodes.internal;
}

function describeExit({ code, signal }: ProcessExit): string {
  return signal === null ? `with code ${code}` : `by ${signal}`;
}
