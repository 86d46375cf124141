import { constants } from "node:os";
import { isEtcdError } from "@msdha/etcd-client";
import { LeaseLostError } from "@msdha/etcd-lease";
import { LockLostError, NameTakenError, NodeKeyLostError } from "@msdha/group";
import { GuardBusyError, GuardPastDeadlineError, KillNotPermittedError } from "@msdha/guard";
import { HookFailedError, HookNotRunnableError, type ProcessExit } from "@msdha/hook-runner";
import { exitCodes } from "@msdha/settings";

/** Why a node ends. */
export type Ending =
  /** It was asked to, or its time as a master is over: whatever can be done in peace is done. */
  | { readonly kind: "planned"; readonly why: string }
  | { readonly kind: "main-exit"; readonly exit: ProcessExit }
  /** Lease, lock or node key are gone, or may be: the node has until its kill time. */
  | { readonly kind: "lost"; readonly error: Error }
  | { readonly kind: "failed"; readonly error: unknown };

/** What says that lease, lock or node key are gone, or that the guard had to act as if they were. */
const LOST = [LeaseLostError, LockLostError, NodeKeyLostError, GuardPastDeadlineError];

/** Carries an ending to everything that waits, as the reason of the node's signal. */
export class NodeEnded extends Error {
  override readonly name = "NodeEnded";
  readonly code = "ERR_NODE_ENDED";
  readonly ending: Ending;

  constructor(ending: Ending) {
    super(describeEnding(ending));
    this.ending = ending;
  }
}

/** Sorts an error into the ending that it means. */
export function endingOf(error: unknown): Ending {
  if (error instanceof NodeEnded) return error.ending;
  if (LOST.some((kind) => error instanceof kind)) return { kind: "lost", error: error as Error };
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
      return describeReason(ending.error);
  }
}

/** The message of an error, or whatever else was thrown as text. */
export function describeReason(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

/** The exit code that tells why the node ended; the main process's own where that ended it. */
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

function failureCode(error: unknown): number {
  if (error instanceof HookFailedError || error instanceof HookNotRunnableError) return exitCodes.hookFailed;
  if (error instanceof GuardBusyError) return exitCodes.taken;
  if (error instanceof NameTakenError) return exitCodes.taken;
  if (isEtcdError(error, "ERR_ETCD_CLUSTER")) return exitCodes.configuration;
  if (isEtcdError(error, "ERR_ETCD_VERSION")) return exitCodes.configuration;
  if (isEtcdError(error, "ERR_ETCD_AUTH")) return exitCodes.notPermitted;
  if (error instanceof KillNotPermittedError) return exitCodes.notPermitted;
  if (isEtcdError(error, "ERR_ETCD_UNAVAILABLE")) return exitCodes.unavailable;
  return exitCodes.internal;
}

function describeExit({ code, signal }: ProcessExit): string {
  return signal === null ? `with code ${code}` : `by ${signal}`;
}
