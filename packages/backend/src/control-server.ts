import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { claim, getValue, isName, writeLocalView } from "@msdha/group";
import type { AskedAnswer } from "@msdha/guard";
import { Command, CommanderError } from "commander";
import { z } from "zod";
import { type ControlCommands, declareControlCommands } from "./control-commands.ts";
import { CONTROL_SOCKET } from "./control-socket.ts";
import { describeKnown, describeNode } from "./describe-node.ts";
import type { Node } from "./node.ts";
import { settledLock } from "./role.ts";
import { judgeReady } from "./standing.ts";

const key = z.string().refine(isName, "expected a key without / or white space, not beginning with _ . or -");
const value = z.string().max(65_536, "expected a value of at most 65536 characters");
const LONGEST_REQUEST = 256 * 1024;
const CALL_TIMEOUT_MS = 30_000;
/** The exit code of `get` where the group has no such value: hooks must not take a failed call for that. */
const NO_VALUE = 2;

/** Thrown by `get` when the group has no value under the key. */
class NoValueError extends Error {}

/**
 * Carries out commands of hooks on a unix socket that only the node's own user can open. Disposing stops it. Rejects
 * when the socket can't be made.
 */
export async function serveControl(
  dir: string,
  currentNode: () => Node | undefined,
): Promise<AsyncDisposable> {
  const path = join(dir, CONTROL_SOCKET);
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
  const inTurn = takeTurns();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // A caller that goes away while it is answered is nothing to do something about.
    socket.on("error", () => {});
    void readArguments(socket)
      .then((argv) => answer(argv, currentNode, inTurn))
      .catch((error: unknown) => complaint(error))
      .then(({ code, text }) => socket.end(Buffer.concat([Buffer.of(code), Buffer.from(text)])));
  });
  const umask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(umask);
  }
  server.unref();
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await rm(path, { force: true });
    },
  };
}

async function readArguments(socket: Socket): Promise<readonly string[]> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Not by iteration, which destroys the socket at its end.
  await new Promise<void>((resolve, reject) => {
    socket.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > LONGEST_REQUEST) reject(new Error("the command is too long"));
      else chunks.push(chunk);
    });
    socket.once("end", resolve);
    socket.once("close", () => reject(new Error("the caller has gone")));
  });
  return decode(Buffer.concat(chunks)).split("\0").slice(0, -1);
}

/** Etcd's keys and values are bytes, but ours are text: what is no text would be stored as another one. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Error("the command is no UTF-8 text");
  }
}

/** Reads a command as a command line, and carries it out. */
async function answer(
  argv: readonly string[],
  currentNode: () => Node | undefined,
  inTurn: InTurn,
): Promise<AskedAnswer> {
  let text = "";
  const write = (more: string): void => {
    text += more;
  };
  const program = new Command("msdha-backend")
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write });
  declareControlCommands(program, async (call) => {
    const node = currentNode();
    if (!node) throw new Error("the node has not joined its group yet");
    write(await call(commandsOf(node, inTurn)));
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return { code: 0, text };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { code: error.exitCode, text: error.exitCode === 0 ? text : `msdha-backend: ${text}` };
  }
}

function complaint(error: unknown): AskedAnswer {
  const code = error instanceof NoValueError ? NO_VALUE : 1;
  return { code, text: `msdha-backend: ${error instanceof Error ? error.message : String(error)}\n` };
}

type InTurn = <T>(act: () => Promise<T>) => Promise<T>;

/** Returns a function that carries out calls one after the other, in their order, also if the caller has gone. */
function takeTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const turn = last.then(act);
    last = turn.catch(() => {});
    return turn;
  };
}

function commandsOf(node: Node, inTurn: InTurn): ControlCommands {
  const { etcd, lease, follower } = node;
  const { keys } = follower.view;
  const call = { timeoutMs: CALL_TIMEOUT_MS, signal: lease.lost };
  return {
    async claim(name, wanted, { lease: asLongAsWeLive }) {
      const onLease = asLongAsWeLive ? lease.id : undefined;
      const options = { ...call, lease: onLease };
      return `${await claim(etcd, keys, read(key, name), read(value, wanted), options)}\n`;
    },
    async put(name, wanted) {
      const lead = settledLock(node.role);
      if (!lead) throw new Error("only the master may put a value");
      const [valid, text] = [read(key, name), read(value, wanted)];
      // One that its caller has given up must not come after the next one.
      await inTurn(() => lead.put(valid, text, call));
      return "";
    },
    async get(name) {
      const found = await getValue(etcd, keys, read(key, name), call);
      if (found === undefined) throw new NoValueError(`the group has no value ${JSON.stringify(name)}`);
      return `${found}\n`;
    },
    status: async () => `${JSON.stringify(describeNode(node))}\n`,
    view: async () => writeLocalView(describeKnown(node)),
    async nodes() {
      const { nodes, addresses } = describeNode(node);
      return Object.entries(nodes)
        .map(
          ([name, state]) => `${name} ${state} ${Object.hasOwn(addresses, name) ? addresses[name] : name}\n`,
        )
        .join("");
    },
    async healthcheck({ ready = false }) {
      if (node.end.begun.aborted) throw new Error("the node is ending");
      const { failure } = node.liveness.latest ?? {};
      if (failure !== undefined) throw new Error(`the program does not seem to be alive: ${failure}`);
      const verdict = judgeReady(node);
      if (ready && !verdict.yes) throw new Error(`the node is not ready: ${verdict.why}`);
      return `${node.membership.state}\n`;
    },
  };
}

function read<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map((issue) => issue.message).join("; "));
}
