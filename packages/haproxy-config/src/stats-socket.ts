import { connect } from "node:net";
import { HaproxyUnavailableError } from "./errors.ts";

export interface AskOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends one line to a stats socket on a connection of its own and resolves with all that is answered.
 * Rejects with a `HaproxyUnavailableError`, or with the reason of `signal`.
 */
export function ask(path: string, line: string, { timeoutMs, signal }: AskOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const chunks: Buffer[] = [];
    const socket = connect({ path });
    const timer = setTimeout(() => fail(unavailable(path, `no answer within ${timeoutMs} ms`)), timeoutMs);
    const abort = (): void => fail(signal?.reason);
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      socket.destroy();
    };
    const fail = (reason: unknown): void => {
      done();
      reject(reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    socket.on("error", (error) => fail(unavailable(path, error.message, { cause: error })));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => {
      done();
      resolve(Buffer.concat(chunks).toString());
    });
    socket.write(`${line}\n`);
  });
}

function unavailable(path: string, why: string, options?: ErrorOptions): HaproxyUnavailableError {
  return new HaproxyUnavailableError(`HAProxy's stats socket ${path} is unavailable: ${why}`, options);
}
