import { connect, type Socket } from "node:net";
import { HaproxyUnavailableError } from "./errors.ts";

export interface AskOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /**
   * How many commands the line joins: an answer that ends before the last of them has been answered is refused. Default: not known,
   * and then only the end of the answer counts, and one line whose message lacks a line break of its own ends like any other.
   */
  readonly commands?: number | undefined;
}

/** HAProxy takes ten connections at once, and some more wait. Above that the kernel refuses with EAGAIN. */
const BUSY_AGAIN_MS = 2;

/**
 * Sends one line to a stats socket on a connection of its own and resolves with all that is answered. Connects again while too
 * many others are connected. Rejects with a `HaproxyUnavailableError`, also when the answer is cut short, or with the reason of
 * `signal`.
 */
export function ask(
  path: string,
  line: string,
  { timeoutMs, signal, commands }: AskOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    let socket: Socket | undefined;
    let again: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => fail(unavailable(path, `no answer within ${timeoutMs} ms`)), timeoutMs);
    const abort = (): void => fail(signal?.reason);
    const done = (): void => {
      clearTimeout(timer);
      clearTimeout(again);
      signal?.removeEventListener("abort", abort);
      socket?.destroy();
    };
    const fail = (reason: unknown): void => {
      done();
      reject(reason);
    };
    const attempt = (): void => {
      const chunks: Buffer[] = [];
      socket = connect({ path });
      socket.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "EAGAIN") again = setTimeout(attempt, BUSY_AGAIN_MS);
        else fail(unavailable(path, error.message, { cause: error }));
      });
      socket.on("data", (chunk) => chunks.push(chunk));
      socket.on("end", () => {
        const answer = Buffer.concat(chunks).toString();
        if (!isWhole(answer, commands)) {
          const where = `after ${answer.length} characters`;
          fail(unavailable(path, `the connection ended before the answer did, ${where}`));
          return;
        }
        done();
        resolve(answer);
      });
      socket.write(`${line}\n`);
    };
    signal?.addEventListener("abort", abort, { once: true });
    attempt();
  });
}

/**
 * HAProxy ends the answer to each command with an empty line, and to one that says nothing with that line alone. Some of its
 * messages lack a line break of their own up to 2.9, as `Server deleted.` does: a single one ends such an answer.
 */
function isWhole(answer: string, commands: number | undefined): boolean {
  if (commands === undefined) return /^.*\n$/.test(answer) || answer.endsWith("\n\n");
  const ends = answer.match(/^\n/gm)?.length ?? 0;
  return ends >= commands && (answer.endsWith("\n\n") || answer === "\n");
}

function unavailable(path: string, why: string, options?: ErrorOptions): HaproxyUnavailableError {
  return new HaproxyUnavailableError(`HAProxy's stats socket ${path} is unavailable: ${why}`, options);
}
