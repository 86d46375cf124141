import { connect } from "node:net";
import { join } from "node:path";
import { CONTROL_SOCKET } from "./control-protocol.ts";

/** What the node answered to a command. */
export interface Answer {
  readonly code: number;
  readonly text: string;
}

/** Has the node whose run folder this is carry out a command. Rejects when none answers. */
export function askNode(runDir: string, argv: readonly string[]): Promise<Answer> {
  const path = join(runDir, CONTROL_SOCKET);
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`no node answers at ${path}: ${why}`));
    const chunks: Buffer[] = [];
    const socket = connect({ path, allowHalfOpen: true });
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.once("error", (error) => fail(error.message));
    socket.once("end", () => {
      socket.destroy();
      const [code, ...text] = Buffer.concat(chunks);
      if (code === undefined) fail("it has ended");
      else resolve({ code, text: Buffer.from(text).toString("utf8") });
    });
    socket.end(argv.map((argument) => `${argument}\0`).join(""));
  });
}
