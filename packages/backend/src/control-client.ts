import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describeError } from "@msdha/app";
import { type AskedAnswer, askServer } from "@msdha/guard";
import { CONTROL_SOCKET } from "./control-socket.ts";

/**
 * Has the node whose run folder this is carry out a command: arguments, each with a NUL behind it. Rejects when none
 * answers.
 */
export async function askNode(runDir: string, command: Uint8Array): Promise<AskedAnswer> {
  const path = join(runDir, CONTROL_SOCKET);
  try {
    return await askServer(path, command);
  } catch (error) {
    throw new Error(`no node answers at ${path}: ${describeError(error)}`);
  }
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
