import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { Duplex } from "node:stream";
import { getSystemErrorName } from "node:util";
import { type Clock, isTimeoutError, systemClock, withTimeout } from "@msdha/clock";
import { guardBinary, requireBinary } from "./binary.ts";
import { GuardBusyError, GuardStartError, type KillNotPermittedError } from "./errors.ts";
import { attachGuard, type StartedGuard, type StartFailure } from "./handle.ts";
import { fileId, killWithoutGuard } from "./kill-without-guard.ts";
import { findLockHolders } from "./lock-holders.ts";

export interface StartGuardOptions {
  /**
   * A file that is locked, and stays so, while the guard or anything that it started is alive: a second guard on it
   * is refused. Made if missing, in a directory that exists; never removed. Default: none.
   */
  readonly lockFile?: string | undefined;
  /** How long a lock file that is held is waited for; default 0. `Infinity`: until it is free, or `signal` aborts. */
  readonly lockWaitMs?: number | undefined;
  /** How long a process of the guard may not answer before `lost` aborts; default 2,000. */
  readonly silentMs?: number | undefined;
  /**
   * Whether what is started is kept from gaining privileges by setuid programs and file capabilities (`no_new_privs`):
   * it could become another user's, whom the guard may not kill. Default: yes, unless this process is root.
   */
  readonly noNewPrivileges?: boolean | undefined;
  /** Called whenever something may not be signalled or killed. Must not throw. */
  readonly onDenied?: ((error: KillNotPermittedError) => void) | undefined;
  /**
   * Called when our clock has leapt by `ms` against the guard's: forward, or (negative) stayed behind it. No deadline
   * gets later by that. Must not throw.
   */
  readonly onLeap?: ((ms: number) => void) | undefined;
  /** The guard's program; default: what MSDHA_GUARD_BINARY names, else the package's own. */
  readonly binary?: string | undefined;
  /** What `setDeadline` and the heartbeat go by; default: the boot-time clock. */
  readonly clock?: Clock | undefined;
  /** Ends the start; has no meaning after it. */
  readonly signal?: AbortSignal | undefined;
}

/** A guard that has its lock says hello in a few milliseconds; this is for a machine that is very busy. */
const GREETING_MS = 10_000;
/** More than a century: the guard counts it in nanoseconds of 64 bits. */
const LONGEST_WAIT_MS = 4e12;

/**
 * Starts a guard: two small processes, in a session of their own, that end with this one. It keeps this process's
 * event loop alive until it is disposed of or lost.
 *
 * Throws a `GuardMissingError` without its program, a `GuardBusyError` when the lock file is held, a `GuardStartError`
 * when something else fails, `signal.reason` on abort.
 */
export async function startGuard({
  lockFile,
  lockWaitMs = 0,
  silentMs = 2_000,
  noNewPrivileges = process.geteuid?.() !== 0,
  onDenied = () => {},
  onLeap = () => {},
  binary = guardBinary(),
  clock = systemClock,
  signal,
}: StartGuardOptions = {}): Promise<StartedGuard> {
  signal?.throwIfAborted();
  if (!(silentMs > 0)) throw new TypeError(`expected a positive silentMs, got ${silentMs}`);
  if (!(lockWaitMs >= 0)) throw new TypeError(`expected a lockWaitMs of 0 or more, got ${lockWaitMs}`);
  await requireBinary(binary);
  const path = lockFile === undefined ? undefined : resolve(lockFile);
  const child = await launch(binary, [
    ...(noNewPrivileges ? ["--no-new-privs"] : []),
    ...(path === undefined ? [] : [path, String(Math.ceil(Math.min(lockWaitMs, LONGEST_WAIT_MS)))]),
  ]);
  let lockFileId: string | undefined;
  let lockPath = path;
  const attached = attachGuard(
    {
      inner: child.stdio[3] as Duplex,
      outer: child.stdio[4] as Duplex,
      exited: new Promise((resolve) => void child.once("exit", () => resolve())),
      wake,
      lastResort: (onDenied, started) =>
        killWithoutGuard({ lockFile: lockPath, lockFileId, started, binary, onDenied }),
    },
    { clock, silentMs, onDenied, onLeap, describeFailure: (failure) => describe(failure, path) },
  );
  try {
    const guard = await withTimeout(clock, lockWaitMs + GREETING_MS, () => attached, { signal });
    if (path !== undefined) {
      lockFileId = fileId(path);
      lockPath = realpathSync(path);
    }
    return guard;
  } catch (error) {
    attached.then((guard) => guard[Symbol.asyncDispose]()).catch(() => {});
    child.kill("SIGKILL"); // the inner one, if there is one, ends with it
    if (isTimeoutError(error)) throw new GuardStartError("greeting", `none within ${GREETING_MS} ms`);
    throw error;
  }
}

async function launch(binary: string, args: readonly string[]): Promise<ChildProcess> {
  try {
    // It throws some of the system's errors itself, and emits others.
    const child = spawn(binary, args, {
      cwd: "/",
      env: {},
      detached: true,
      stdio: ["ignore", "inherit", "inherit", "pipe", "pipe"],
    });
    await once(child, "spawn");
    return child;
  } catch (cause) {
    if (cause instanceof TypeError) throw cause;
    throw new GuardStartError(`executing ${binary}`, (cause as Error).message, { cause });
  }
}

function wake(pid: number): void {
  try {
    process.kill(pid, "SIGCONT");
  } catch {
    // It has just ended.
  }
}

async function describe({ busy, errno, step }: StartFailure, lockFile = ""): Promise<Error> {
  if (busy) return new GuardBusyError(lockFile, await findLockHolders(lockFile));
  return new GuardStartError(
    lockFile && step.includes("lock file") ? `${step} ${lockFile}` : step,
    getSystemErrorName(-errno),
  );
}
