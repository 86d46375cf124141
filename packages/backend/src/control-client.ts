import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { CONTROL_SOCKET } from "./control-protocol.ts";

/** What the node answered to a command. */
export interface Answer {
  readonly code: number;
  readonly text: string;
}

/**
 * Has the node whose run folder this is carry out a command: arguments, each with a NUL behind it. Rejects when none
 * answers.
 */
export function askNode(runDir: string, command: Uint8Array): Promise<Answer> {
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
    socket.end(command);
  });
}

/**
 * Returns the last `count` arguments of this process as they were given, each with a NUL behind it. Node's own
 * `process.argv` holds another text for what is no UTF-8.
 */
export function rawArguments(count: number, cmdline: Buffer = readFileSync("/proc/self/cmdline")): Buffer {
  let start = cmdline.length;
  for (let found = 0; found < count && start > 0; found += 1) start = cmdline.lastIndexOf(0, start - 2) + 1;
  return cmdline.subarray(start);
}
