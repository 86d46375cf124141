import type { Duplex } from "node:stream";
import type { Clock } from "@msdha/clock";
import { openChannel } from "./channel.ts";
import { createClockOffset } from "./clock-offset.ts";
import { createDeadline } from "./deadline.ts";
import {
  GuardLostError,
  type GuardPastDeadlineError,
  GuardStartError,
  KillNotPermittedError,
  SpawnFailedError,
} from "./errors.ts";
import { foldError } from "./fold-error.ts";
import type { Guard, GuardedProcess, SpawnOptions } from "./guard.ts";
import { watchSilence } from "./heartbeat.ts";
import { createProcesses } from "./processes.ts";
import { encodeRequest, encodeSignal, encodeSpawn, PROTOCOL_VERSION, type Report } from "./protocol.ts";
import { type KillReport, killReport, type SignalReport, signalReport } from "./roll.ts";
import { createWholeNode } from "./whole-node.ts";

/** A guard that runs: a connection to each of its two processes. */
export interface GuardLink {
  readonly inner: Duplex;
  readonly outer: Duplex;
  /** Wakes a process of the guard that someone may have stopped; called only while its connection is open. */
  wake(pid: number): void;
  /** Resolves when the outer process has ended. */
  readonly exited: Promise<void>;
  /**
   * Does what can be done when both died before they could tell that nothing is left: resolves when nothing is left that
   * is known of, and calls `onDenied` with what may not be killed. `started` are the programs that had not ended.
   */
  lastResort(onDenied: (denied: SignalReport) => void, started: readonly number[]): Promise<void>;
}

export interface StartedGuard extends Guard {
  /** The guard's own two processes, for diagnosis. */
  readonly pids: { readonly outer: number; readonly inner: number };
  /** Whether the guard's memory is kept from being swapped out. */
  readonly memoryLocked: boolean;
}

export type StartFailure = Extract<Report, { type: "start-failed" }>;

export interface AttachOptions {
  readonly clock: Clock;
  readonly silentMs: number;
  /** Makes the error of a guard that could not start. */
  readonly describeFailure: (failure: StartFailure) => Promise<Error>;
  readonly onDenied: (error: KillNotPermittedError) => void;
  readonly onLeap: (ms: number) => void;
}

type Which = "inner" | "outer";

/** More than execve takes; the guard takes longer commands for nonsense. */
const LONGEST_SPAWN_BYTES = 4 * 1024 * 1024;
const WAKE_EVERY_MS = 500;

/** Makes the handle to a guard; resolves when both of its processes have said hello. */
export async function attachGuard(
  link: GuardLink,
  { clock, silentMs, describeFailure, onDenied, onLeap }: AttachOptions,
): Promise<StartedGuard> {
  const lost = new AbortController();
  const ending = new AbortController();
  const open = new Map<Which, number>();
  const hello = { outer: Promise.withResolvers<number>(), inner: Promise.withResolvers<number>() };
  let started = false;
  let startFailure: StartFailure | undefined;
  let nothingLeft: boolean | "unknown" = false;
  let killed: KillReport = { killed: 0, someKilled: [] };
  let notPermitted: KillNotPermittedError | undefined;
  let memoryLocked = true;
  const offset = createClockOffset({ onLeap });
  const timing = { now: clock.now, onReading: offset.take };

  const inner = openChannel(link.inner, (report) => take("inner", report), timing);
  const outer = openChannel(link.outer, (report) => take("outer", report), timing);
  const processes = createProcesses((id, signal, group) => inner.send(encodeSignal(id, signal, group)));
  const ended = Promise.all([
    inner.closed.then(() => afterClose("inner")),
    outer.closed.then(() => afterClose("outer")),
    link.exited,
  ]).then(afterEnd);

  function take(from: Which, report: Report): void {
    switch (report.type) {
      case "hello":
        offset.take({
          theirs: report.now,
          sentAt: Number.NEGATIVE_INFINITY,
          receivedAt: clock.now(),
        });
        memoryLocked &&= report.locked !== "nothing";
        open.set(from, report.pid);
        if (report.version === PROTOCOL_VERSION) hello[from].resolve(report.pid);
        else
          hello[from].reject(
            new GuardStartError("greeting", `expected protocol ${PROTOCOL_VERSION}, got ${report.version}`),
          );
        break;
      case "start-failed":
        startFailure = report;
        break;
      case "folding":
        lose(foldError(report.why));
        break;
      case "killed":
        killed = killReport(report.roll);
        notPermitted = undefined;
        break;
      case "denied":
        deny(signalReport(report.roll));
        break;
      case "signal-denied":
        onDenied(notPermittedError(signalReport(report.roll)));
        break;
      case "gone":
        nothingLeft = true;
        processes.endAll();
        inner.settle(["gone", "killAll"]);
        break;
      default:
        processes.take(report);
    }
  }

  function deny(report: SignalReport): void {
    notPermitted = report.denied > 0 ? notPermittedError(report) : undefined;
    if (!notPermitted) return;
    onDenied(notPermitted);
    inner.settle(["killAll"], notPermitted);
  }

  function lose(error: GuardLostError | GuardPastDeadlineError): void {
    if (ending.signal.aborted) return;
    lost.abort(error);
    end(error);
  }

  /** Both processes now kill everything and end; what only a working guard could answer is settled. */
  function end(reason: GuardLostError | GuardPastDeadlineError): void {
    ending.abort(reason);
    for (const channel of [inner, outer]) {
      channel.end();
      channel.settle(["deadline", "ping", "signalAll", "withdraw"], reason);
    }
    processes.failStarts(reason);
    void keepAwake();
  }

  /** One that someone stopped could not end, nor see the other one's end. */
  async function keepAwake(): Promise<void> {
    while (open.size > 0) {
      for (const pid of open.values()) link.wake(pid);
      await clock.sleep(WAKE_EVERY_MS);
    }
  }

  function afterClose(which: Which): void {
    open.delete(which);
    lose(new GuardLostError(`its ${which} process ended`));
  }

  async function afterEnd(): Promise<void> {
    if (!nothingLeft) {
      if (started) await link.lastResort(deny, processes.pids); // before that the lock may be another run's
      nothingLeft = "unknown";
      processes.abandon(unknownError());
      inner.settle(["gone", "killAll"], unknownError());
    }
    const failure = startFailure
      ? await describeFailure(startFailure)
      : new GuardStartError("greeting", "it ended");
    for (const which of [hello.outer, hello.inner]) which.reject(failure);
  }

  async function untilNothingIsLeft(kind: "gone" | "killAll"): Promise<void> {
    if (nothingLeft === "unknown") throw unknownError();
    if (nothingLeft) return;
    // A guard that folds reads nothing more.
    if (kind === "killAll" && notPermitted && ending.signal.aborted) throw notPermitted;
    await inner.request(kind, (request) => encodeRequest(kind, request));
  }

  async function spawn(
    file: string,
    args: readonly string[],
    { env, cwd = process.cwd(), output, onOutput }: SpawnOptions,
  ): Promise<GuardedProcess> {
    if (output !== "inherit" && output !== "pipe")
      throw new TypeError(`expected inherit or pipe as output, got ${String(output)}`);
    ending.signal.throwIfAborted();
    const id = processes.newId();
    const command = encodeSpawn({ id, piped: output === "pipe", cwd, file, args, env });
    if (command.length > LONGEST_SPAWN_BYTES) throw new SpawnFailedError(file, "exec", "E2BIG");
    inner.send(command);
    return await processes.add(id, file, { output, onOutput });
  }

  function watch(which: Which, channel: typeof inner): void {
    void watchSilence(channel, { clock, silentMs, signal: ending.signal }).then((silent) => {
      if (silent) lose(new GuardLostError(`its ${which} process did not answer for ${silentMs} ms`));
    });
  }

  const [outerPid, innerPid] = await Promise.all([hello.outer.promise, hello.inner.promise]);
  started = true;
  watch("inner", inner);
  watch("outer", outer);

  return {
    lost: lost.signal,
    pids: { outer: outerPid, inner: innerPid },
    get alive() {
      return processes.alive;
    },
    memoryLocked,
    setDeadline: createDeadline([inner, outer], { clock, offset, ending: ending.signal }),
    spawn,
    ...createWholeNode({ inner, outer }, ending.signal),
    async killAll() {
      await untilNothingIsLeft("killAll");
      return killed;
    },
    gone: () => untilNothingIsLeft("gone"),
    async [Symbol.asyncDispose]() {
      if (!ending.signal.aborted) end(new GuardLostError("it was disposed of"));
      await ended;
    },
  };
}

function notPermittedError({ denied, someDenied }: SignalReport): KillNotPermittedError {
  return new KillNotPermittedError(denied, someDenied);
}

function unknownError(): GuardLostError {
  return new GuardLostError("both of its processes died before they could tell that nothing is left");
}
