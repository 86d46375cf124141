import { connect } from "node:net";

/** What a server answered to a command. */
export interface AskedAnswer {
  /** The exit code of the command. */
  readonly code: number;
  /** For the standard output where the code is 0, else for the standard error. */
  readonly text: string;
}

/**
 * Has a server on a unix socket carry out a command, as `msdha-guard --ask` does, without a process of its own: `request` is
 * the arguments, each with a NUL behind it. Rejects with the socket's error, with an `Error` when the server ends without an
 * answer, or with the reason of `signal`. Without a signal it waits as long as the server does.
 */
export function askServer(
  path: string,
  request: Uint8Array | string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<AskedAnswer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const chunks: Buffer[] = [];
    const socket = connect({ path, allowHalfOpen: true });
    const stop = (): void => {
      socket.destroy();
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", stop, { once: true });
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.once("error", reject);
    socket.once("close", () => signal?.removeEventListener("abort", stop));
    socket.once("end", () => {
      socket.destroy();
      const answer = Buffer.concat(chunks);
      const [code] = answer;
      if (code === undefined) reject(new Error("it has ended"));
      else resolve({ code, text: answer.subarray(1).toString("utf8") });
    });
    socket.end(request);
  });
}
