import { isAbsolute } from "node:path";
import type { Duplex } from "node:stream";
import type { Clock } from "@msdha/clock";
import { openChannel } from "./channel.ts";
import {
  GuardLostError,
  GuardPastDeadlineError,
  GuardStartError,
  KillNotPermittedError,
  SpawnFailedError,
} from "./errors.ts";
import type { Guard, GuardedProcess, SpawnOptions } from "./guard.ts";
import { watchSilence } from "./heartbeat.ts";
import { createProcesses, signalNumber } from "./processes.ts";
import {
  encodeOrphans,
  encodeRequest,
  encodeSignal,
  encodeSignalAll,
  encodeSpawn,
  encodeWithdraw,
  type FoldReason,
  PROTOCOL_VERSION,
  type Report,
} from "./protocol.ts";
import { type KillReport, killReport, type SignalReport, signalReport } from "./roll.ts";

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
   * is known of, and calls `onDenied` with what may not be killed.
   */
  lastResort(onDenied: (denied: SignalReport) => void): Promise<void>;
}

export interface StartedGuard extends Guard {
  /** The guard's own two processes, for diagnosis. */
  readonly pids: { readonly outer: number; readonly inner: number };
}

export type StartFailure = Extract<Report, { type: "start-failed" }>;

export interface AttachOptions {
  readonly clock: Clock;
  readonly silentMs: number;
  /** Makes the error of a guard that could not start. */
  readonly describeFailure: (failure: StartFailure) => Promise<Error>;
  readonly onDenied: (error: KillNotPermittedError) => void;
}

type Which = "inner" | "outer";

/** More than execve takes; the guard takes longer commands for nonsense. */
const LONGEST_SPAWN_BYTES = 4 * 1024 * 1024;
const WAKE_EVERY_MS = 500;
/** As in c/guard.h. */
const MOST_WITHDRAWN = 4;
const LONGEST_PATH_BYTES = 4_095;

/** Makes the handle to a guard; resolves when both of its processes have said hello. */
export async function attachGuard(
  link: GuardLink,
  { clock, silentMs, describeFailure, onDenied }: AttachOptions,
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
  /** The guard's clock minus ours, never too large: a message takes its time, so the largest seen is the nearest. */
  let ahead = Number.NEGATIVE_INFINITY;

  const inner = openChannel(link.inner, (report) => take("inner", report));
  const outer = openChannel(link.outer, (report) => take("outer", report));
  const processes = createProcesses((id, signal, group) => inner.send(encodeSignal(id, signal, group)));
  const ended = Promise.all([
    inner.closed.then(() => afterClose("inner")),
    outer.closed.then(() => afterClose("outer")),
    link.exited,
  ]).then(afterEnd);

  function take(from: Which, report: Report): void {
    switch (report.type) {
      case "hello":
        ahead = Math.max(ahead, report.now - clock.now());
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
      case "ack":
        ahead = Math.max(ahead, report.now - clock.now());
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
      if (started) await link.lastResort(deny); // before that the lock may be another run's
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

  async function signalEach(number: number): Promise<SignalReport> {
    ending.signal.throwIfAborted();
    const answer = await inner.request("signalAll", (request) => encodeSignalAll(request, number));
    if (answer?.type !== "signalled") throw new GuardLostError("it gave no answer");
    return signalReport(answer.roll);
  }

  async function withdrawAtKill(files: readonly string[]): Promise<void> {
    refuseFiles(files);
    ending.signal.throwIfAborted();
    await Promise.all(
      [inner, outer].map((channel) =>
        channel.request("withdraw", (request) => encodeWithdraw(request, files)),
      ),
    );
  }

  async function setDeadline(at: number | undefined): Promise<void> {
    if (Number.isNaN(at)) throw new TypeError("expected a time in milliseconds, got NaN");
    ending.signal.throwIfAborted();
    const deadline = at === undefined || at === Number.POSITIVE_INFINITY ? undefined : at + ahead;
    const answers = await Promise.all(
      [inner, outer].map((channel) =>
        channel.request("deadline", (request) => encodeRequest("deadline", request, deadline)),
      ),
    );
    if (answers.some((answer) => answer?.type === "ack" && answer.refused))
      throw new GuardPastDeadlineError();
  }

  async function spawn(
    file: string,
    args: readonly string[],
    { env, cwd = process.cwd(), output, onOutput }: SpawnOptions,
  ): Promise<GuardedProcess> {
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
    setDeadline,
    spawn,
    signalAll: async (signal) => await signalEach(signalNumber(signal)),
    signalOrphans(signal, { childrenOf = 0 } = {}) {
      const number = signalNumber(signal);
      if (!ending.signal.aborted) inner.send(encodeOrphans(number, childrenOf));
    },
    survey: () => signalEach(0),
    withdrawAtKill,
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

function refuseFiles(files: readonly string[]): void {
  if (files.length > MOST_WITHDRAWN)
    throw new TypeError(`expected ${MOST_WITHDRAWN} files at most, got ${files.length}`);
  const bad = files.find((file) => !isAbsolute(file) || Buffer.byteLength(file) > LONGEST_PATH_BYTES);
  if (bad !== undefined)
    throw new TypeError(`expected absolute paths of at most ${LONGEST_PATH_BYTES} bytes, got ${bad}`);
}

function foldError(why: FoldReason): GuardLostError | GuardPastDeadlineError {
  switch (why) {
    case "deadline":
      return new GuardPastDeadlineError();
    case "partner":
      return new GuardLostError("one of its processes died");
    case "broken":
      return new GuardLostError("it could not read a command");
    case "closed":
      return new GuardLostError("its connection closed");
  }
}

function unknownError(): GuardLostError {
  return new GuardLostError("both of its processes died before they could tell that nothing is left");
}
