import type { Duplex } from "node:stream";
import type { Clock } from "@msdha/clock";
import { openChannel } from "./channel.ts";
import { GuardLostError, GuardPastDeadlineError, GuardStartError, SpawnFailedError } from "./errors.ts";
import type { Guard, GuardedProcess, SpawnOptions } from "./guard.ts";
import { watchSilence } from "./heartbeat.ts";
import { createProcesses } from "./processes.ts";
import { encodeSignal, encodeSpawn, type FoldReason, PROTOCOL_VERSION, type Report } from "./protocol.ts";

/** A guard that runs: a connection to each of its two processes. */
export interface GuardLink {
  readonly inner: Duplex;
  readonly outer: Duplex;
  /** Wakes a process of the guard that someone may have stopped; called only while its connection is open. */
  wake(pid: number): void;
  /** Resolves when the outer process has ended. */
  readonly exited: Promise<void>;
  /** Does what can be done when both died before they could tell that nothing is left. */
  lastResort(): Promise<void>;
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
}

type Which = "inner" | "outer";

/** More than execve takes; the guard takes longer commands for nonsense. */
const LONGEST_SPAWN_BYTES = 4 * 1024 * 1024;
const WAKE_EVERY_MS = 500;

/** Makes the handle to a guard; resolves when both of its processes have said hello. */
export async function attachGuard(
  link: GuardLink,
  { clock, silentMs, describeFailure }: AttachOptions,
): Promise<StartedGuard> {
  const lost = new AbortController();
  const ending = new AbortController();
  const open = new Map<Which, number>();
  const hello = { outer: Promise.withResolvers<number>(), inner: Promise.withResolvers<number>() };
  let started = false;
  let startFailure: StartFailure | undefined;
  let nothingLeft: boolean | "unknown" = false;
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
      case "gone":
        nothingLeft = true;
        processes.endAll();
        inner.settle(["gone", "killAll"]);
        break;
      default:
        processes.take(report);
    }
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
      channel.settle(["deadline", "ping"], reason);
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
      if (started) await link.lastResort(); // before that the lock may be another run's
      nothingLeft = "unknown";
      processes.abandon(unknownError());
      inner.settle(["gone", "killAll"], unknownError());
    }
    const failure = startFailure
      ? await describeFailure(startFailure)
      : new GuardStartError("greeting", "it ended");
    for (const which of [hello.outer, hello.inner]) which.reject(failure);
  }

  async function untilNothingIsLeft(request: "gone" | "killAll"): Promise<void> {
    if (nothingLeft === "unknown") throw unknownError();
    if (!nothingLeft) await inner.request(request);
  }

  async function setDeadline(at: number | undefined): Promise<void> {
    if (Number.isNaN(at)) throw new TypeError("expected a time in milliseconds, got NaN");
    ending.signal.throwIfAborted();
    const deadline = at === undefined || at === Number.POSITIVE_INFINITY ? undefined : at + ahead;
    const answers = await Promise.all([inner, outer].map((channel) => channel.request("deadline", deadline)));
    if (answers.some((ack) => ack?.refused)) throw new GuardPastDeadlineError();
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
    killAll: () => untilNothingIsLeft("killAll"),
    gone: () => untilNothingIsLeft("gone"),
    async [Symbol.asyncDispose]() {
      if (!ending.signal.aborted) end(new GuardLostError("it was disposed of"));
      await ended;
    },
  };
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
