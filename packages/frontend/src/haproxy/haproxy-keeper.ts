import { describeError, hasCode } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import { type HaproxyUnavailableError, type RuntimeApi, waitForRuntimeApi } from "@msdha/haproxy-config";
import type { Log } from "@msdha/log";
import { HaproxyStartError } from "../errors.ts";
import type { HaproxyProcess } from "./haproxy-process.ts";

export interface HaproxyKeeperOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Called when a HAProxy that replaces one that ended answers: it knows nothing yet. */
  readonly onReplaced: () => void;
}

/** A HAProxy that is started again whenever it ends. Disposing of it ends it with SIGTERM, which cuts all sessions. */
export interface HaproxyKeeper extends AsyncDisposable {
  /** Whether it runs and answers. */
  readonly running: boolean;
  readonly version: string;
  readonly pid: number;
  /** How many times it was started again. */
  readonly restarts: number;
  /** Kills it with SIGKILL, which cuts all sessions; another one is started. Resolves when one answers. */
  replace(): Promise<void>;
  /** From now on it is not started again. */
  letEnd(): void;
}

const START_MS = 10_000;
const STOP_MS = 3_000;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5_000;
/** After so long a life the next one is started at once. */
const STEADY_MS = 30_000;

/**
 * Starts HAProxy and resolves when it answers on its stats socket. Rejects with a `HaproxyStartError` when the first
 * one does not come up; later ones are started until one does, with pauses of up to 5 s.
 */
export async function keepHaproxy(
  start: () => HaproxyProcess,
  api: Pick<RuntimeApi, "showInfo">,
  { clock, log, onReplaced }: HaproxyKeeperOptions,
): Promise<HaproxyKeeper> {
  const ended = new AbortController();
  let current = start();
  let info = await cameUp(current, api);
  let running = true;
  let restarts = 0;
  let answersAgain = Promise.withResolvers<void>();

  async function keep(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    for (let since = clock.now(); ; since = clock.now()) {
      const how = await current.exited;
      running = false;
      if (ended.signal.aborted) return;
      log.error(
        { pid: current.pid, how, complaint: current.complaint },
        "HAProxy has ended: it is started again",
      );
      if (clock.now() - since > STEADY_MS) retryMs = FIRST_RETRY_MS;
      await clock.sleep(retryMs, { signal: ended.signal });
      retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
      restarts += 1;
      try {
        current = start();
        info = await cameUp(current, api, ended.signal);
      } catch (error) {
        if (ended.signal.aborted) return;
        log.error({ why: describeError(error) }, "HAProxy could not be started again");
        continue;
      }
      running = true;
      log.info({ pid: current.pid }, "HAProxy runs again");
      onReplaced();
      answersAgain.resolve();
      answersAgain = Promise.withResolvers();
    }
  }

  const kept = keep().catch((error: unknown) => {
    if (!ended.signal.aborted) throw error;
  });
  return {
    get running() {
      return running;
    },
    get version() {
      return info.get("Version") ?? "unknown";
    },
    get pid() {
      return current.pid;
    },
    get restarts() {
      return restarts;
    },
    replace() {
      const { promise } = answersAgain;
      running = false;
      current.kill("SIGKILL");
      return Promise.race([promise, kept]);
    },
    letEnd: () => ended.abort(),
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await endProcess(current, clock);
      await kept;
    },
  };
}

async function cameUp(
  process: HaproxyProcess,
  api: Pick<RuntimeApi, "showInfo">,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const gone = new AbortController();
  void process.exited.then((how) =>
    gone.abort(new HaproxyStartError(`HAProxy ended: ${process.complaint ?? how}`)),
  );
  const stop = signal ? AbortSignal.any([gone.signal, signal]) : gone.signal;
  try {
    return await waitForRuntimeApi(api, { timeoutMs: START_MS, signal: stop });
  } catch (error) {
    process.kill("SIGKILL");
    if (gone.signal.aborted) throw gone.signal.reason;
    if (!hasCode<HaproxyUnavailableError>(error, "ERR_HAPROXY_UNAVAILABLE")) throw error;
    throw new HaproxyStartError(`HAProxy does not answer: ${process.complaint ?? error.message}`, {
      cause: error,
    });
  }
}

async function endProcess(process: HaproxyProcess, clock: Clock): Promise<void> {
  process.kill("SIGTERM");
  const done = new AbortController();
  const late = clock.sleep(STOP_MS, { signal: done.signal }).then(
    () => process.kill("SIGKILL"),
    () => {},
  );
  await process.exited;
  done.abort();
  await late;
}
