import { connect } from "node:net";

/**
 * `answers`: the server reacts, whatever it does meanwhile. `silent`: it takes a connection, or has no room for one, and
 * says nothing. `away`: nothing listens.
 */
export type Sign = "answers" | "silent" | "away";

/** PostgreSQL's SSLRequest: answered by a new process of the server before it reads any table or asks who it is. */
const REQUEST = Buffer.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);

/**
 * Asks a server on its socket whether it reacts. A server in a long checkpoint, in recovery, or without a free connection
 * answers; one whose first process is stopped or stuck does not. Nothing is written to the server's log. The socket is open
 * when this returns, for a caller that has to open it as another user. Not promised: that a server which answers can read its disk.
 */
export async function lookForAnswer(
  socketFile: string,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<Sign> {
  return await new Promise((resolve) => {
    const socket = connect(socketFile);
    const end = (sign: Sign): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(sign);
    };
    const timer = setTimeout(() => end("silent"), timeoutMs);
    socket.once("connect", () => socket.write(REQUEST));
    socket.once("data", () => end("answers"));
    socket.once("close", () => end("away"));
    // The queue of connections that were not taken yet is full.
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code === "EAGAIN" ? "silent" : "away"));
  });
}
