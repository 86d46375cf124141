import type { Clock } from "@msdha/clock";
import type { Guard } from "@msdha/guard";
import { HookFailedError, type HookRun, type HookRunner, type RunHookOptions } from "@msdha/hook-runner";
import type { Candidacy } from "../facts/facts.ts";

export interface SimulatedHooksOptions {
  readonly clock: Clock;
  /** The `candidate` hook, if there is one. */
  readonly candidate: SimulatedCandidate | false;
  /** What the `report` hook writes this time, if there is one. */
  readonly report: (() => string) | false;
}

export interface SimulatedCandidate {
  /** What it writes this time; undefined: nothing. */
  readonly write: () => string | undefined;
  /** Takes what a run of it says of the node. */
  readonly onAnswer: (said: Candidacy, byOrder: boolean) => void;
}

/** Runs hooks as `createHookRunner` does, but that they are all there, and started under a simulated guard. */
export function createSimulatedHooks(
  guard: Guard,
  { clock, candidate, report }: SimulatedHooksOptions,
): HookRunner {
  function exists(hook: string): boolean {
    if (hook === "candidate") return candidate !== false;
    return hook === "report" ? report !== false : hook !== "alive";
  }

  function recordAnswer(hook: string, failed: boolean, options: RunHookOptions): void {
    if (hook === "report" && report && !failed) options.onStdout?.(report());
    if (hook !== "candidate" || !candidate) return;
    const line = failed ? undefined : candidate.write();
    if (line !== undefined) options.onStdout?.(line);
    const byOrder = options.env["MSDHA_ACCEPT_LOSS"] === "1";
    candidate.onAnswer(failed ? { may: false, rank: undefined } : readAnswer(line), byOrder);
  }

  async function run(hook: string, options: RunHookOptions): Promise<HookRun | undefined> {
    if (!exists(hook)) return undefined;
    const begun = clock.now();
    const { env, args = [], signal, timeoutMs = Number.POSITIVE_INFINITY } = options;
    signal?.throwIfAborted();
    const running = await guard.spawn(hook, args, { env, output: "pipe" });
    const over = new AbortController();
    const interrupted = new Promise<never>((_, reject) => {
      const interrupt = (): void => {
        running.kill("SIGTERM");
        reject(signal?.reason);
      };
      if (signal?.aborted) interrupt();
      signal?.addEventListener("abort", interrupt, { once: true, signal: over.signal });
      clock.sleep(timeoutMs, { signal: over.signal }).then(
        () => {
          running.kill("SIGKILL");
          recordAnswer(hook, true, options);
          reject(new HookFailedError(hook, { kind: "timeout", timeoutMs }));
        },
        () => {},
      );
    });
    try {
      const { code, signal: endedBy } = await Promise.race([running.exited, interrupted]);
      recordAnswer(hook, code !== 0, options);
      if (endedBy !== null) throw new HookFailedError(hook, { kind: "signal", signal: endedBy });
      if (code !== 0) throw new HookFailedError(hook, { kind: "exit", code: code ?? -1 });
      return { durationMs: clock.now() - begun, lastLines: [] };
    } finally {
      over.abort();
    }
  }

  return { find: async (hook) => (exists(hook) ? hook : undefined), run };
}

/** What a well-behaved node makes of the hook's last line: an integer of up to 20 digits, or nothing at all. */
function readAnswer(line: string | undefined): Candidacy {
  if (line === undefined) return { may: true, rank: undefined };
  return /^-?[0-9]{1,20}$/.test(line) ? { may: true, rank: BigInt(line) } : { may: false, rank: undefined };
}
