import { connect } from "node:net";

export interface AskOptions {
  readonly timeoutMs: number;
}

/**
 * Sends a request to a unix socket, ends its own side, and resolves with all that comes back. Rejects when nobody answers there in
 * time.
 */
export function askSocket(path: string, request: string, { timeoutMs }: AskOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ path, allowHalfOpen: true });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.once("error", reject);
    socket.once("end", () => {
      socket.destroy();
      resolve(Buffer.concat(chunks));
    });
    socket.end(request);
  });
}
