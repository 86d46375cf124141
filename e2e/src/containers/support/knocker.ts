import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Asks a program that tells its name, over and over, a new connection each time. */
export interface Knocker extends AsyncDisposable {
  /** The name that was told last, or "". */
  readonly last: string;
  readonly answers: number;
  /** What connections failed with. */
  readonly failures: readonly string[];
  /** The longest time in ms between two answers since the last `begin`. */
  readonly gapMs: number;
  begin(): void;
}

export function startKnocker(host: string, port: number): Knocker {
  const stop = new AbortController();
  const failures: string[] = [];
  let last = "";
  let answers = 0;
  let since = performance.now();
  let longest = 0;

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        last = await askName(host, port, { signal: stop.signal });
        answers += 1;
        longest = Math.max(longest, performance.now() - since);
        since = performance.now();
      } catch (error) {
        if (stop.signal.aborted) return;
        failures.push(error instanceof Error ? error.message : String(error));
      }
      await sleep(10);
    }
  }
  const running = run();
  return {
    get last() {
      return last;
    },
    get answers() {
      return answers;
    },
    failures,
    get gapMs() {
      return Math.max(longest, performance.now() - since);
    },
    begin() {
      longest = 0;
      since = performance.now();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

/** Connects once and resolves with the line that is told; rejects when there is none. */
export function askName(
  host: string,
  port: number,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, ...(signal && { signal }) });
    let text = "";
    socket.setTimeout(60_000, () => socket.destroy(new Error("no answer within a minute")));
    socket.on("data", (chunk) => {
      text += chunk.toString("utf8");
    });
    socket.on("error", reject);
    socket.on("close", () =>
      text === "" ? reject(new Error("closed without a word")) : resolve(text.trim()),
    );
  });
}
