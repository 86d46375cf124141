import { connect, type Socket } from "node:net";
import { HaproxyUnavailableError } from "./errors.ts";

export interface AskOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** HAProxy takes ten connections at once, and some more wait. Above that the kernel refuses with EAGAIN. */
const BUSY_AGAIN_MS = 2;

/**
 * Sends one line to a stats socket on a connection of its own and resolves with all that is answered. Connects again while too
 * many others are connected. Rejects with a `HaproxyUnavailableError`, or with the reason of `signal`.
 */
export function ask(path: string, line: string, { timeoutMs, signal }: AskOptions): Promise<string> {
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
        done();
        resolve(Buffer.concat(chunks).toString());
      });
      socket.write(`${line}\n`);
    };
    signal?.addEventListener("abort", abort, { once: true });
    attempt();
  });
}

function unavailable(path: string, why: string, options?: ErrorOptions): HaproxyUnavailableError {
  return new HaproxyUnavailableError(`HAProxy's stats socket ${path} is unavailable: ${why}`, options);
}
