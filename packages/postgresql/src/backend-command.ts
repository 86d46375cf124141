import { existsSync } from "node:fs";
import { join } from "node:path";
import { askServer } from "@msdha/guard";
import { fail, messageOf } from "./failure.ts";
import { parseView, type SeenGroup } from "./master-over.ts";
import { formatRecord, parseRecord, type SyncRecord } from "./quorum.ts";
import { type ProgramResult, runProgram } from "./run-program.ts";
import { DEFAULT_RUN_DIR, type Environment } from "./settings.ts";
import type { RecordStore } from "./synchronous-master.ts";

const RECORD = "postgresql-sync";

export interface GroupNode {
  readonly name: string;
  readonly state: string;
  readonly address: string;
}

/** What the group keeps in etcd, asked of this node's backend. */
export interface GroupStore {
  /** Resolves with the value that the group has for a key from now on: this one, if it is the first. */
  claim(key: string, value: string): Promise<string>;
  /** Resolves with whether this node has the claim, which ends with its lease. */
  claimWhileAlive(key: string, value: string): Promise<boolean>;
  nodes(): Promise<readonly GroupNode[]>;
  /** Resolves with what this node has seen of the group; it may be a moment behind. */
  seen(): Promise<SeenGroup>;
  /** Resolves with a value of the group; undefined where it has none. */
  get(key: string): Promise<string | undefined>;
  /** Writes a value of the group. Only the master may. */
  put(key: string, value: string): Promise<void>;
  readonly record: RecordStore;
}

/** The node's control socket, in its run folder: `msdha-backend` asks there too. */
const CONTROL_SOCKET = "control.sock";
const ANSWER_MS = 60_000;

/**
 * Returns the store of a node. Each call asks the node that runs, as `msdha-backend` does, but without its two processes; where
 * the node's socket is not there, that command is run.
 */
export function openGroupStore(env: Environment, signal: AbortSignal): GroupStore {
  const socket = join(env["MSDHA_RUN_DIR"] || DEFAULT_RUN_DIR, CONTROL_SOCKET);
  async function ask(...args: readonly string[]): Promise<ProgramResult> {
    if (!existsSync(socket)) {
      return await runProgram(["msdha-backend", ...args], { env, signal, timeoutMs: ANSWER_MS });
    }
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
    try {
      const { code, text } = await askServer(socket, `${args.join("\0")}\0`, { signal: limit });
      return code === 0 ? { code, stdout: text, stderr: "" } : { code, stdout: "", stderr: text };
    } catch (error) {
      signal.throwIfAborted();
      return { code: 1, stdout: "", stderr: `no node answers at ${socket}: ${messageOf(error)}` };
    }
  }
  async function get(key: string, complaint: string): Promise<string | undefined> {
    const { code, stdout, stderr } = await ask("get", key);
    if (code === 0) return stdout;
    return stderr.includes("has no value") ? undefined : fail(`${complaint}: ${stderr.trim()}`);
  }
  async function put(key: string, value: string, complaint: string): Promise<void> {
    const { code, stderr } = await ask("put", key, value);
    if (code !== 0) fail(`${complaint}: ${stderr.trim()}`);
  }
  return {
    async claim(key, value) {
      const { code, stdout, stderr } = await ask("claim", key, value);
      if (code !== 0) fail(`can't claim ${key}: ${stderr.trim()}`);
      return stdout.trim();
    },
    async claimWhileAlive(key, value) {
      const { code, stdout } = await ask("claim", "--lease", key, value);
      return code === 0 && stdout.trim() === value;
    },
    async nodes() {
      const { code, stdout, stderr } = await ask("nodes");
      if (code !== 0) fail(`can't read the group's nodes: ${stderr.trim()}`);
      return stdout
        .split("\n")
        .map((line) => line.split(" "))
        .filter((words) => words.length >= 3)
        .map(([name = "", state = "", address = ""]) => ({ name, state, address }));
    },
    async seen() {
      const { code, stdout, stderr } = await ask("view");
      return code === 0 ? parseView(stdout) : fail(`can't see the group: ${stderr.trim()}`);
    },
    get: (key) => get(key, `can't read ${key}`),
    put: (key, value) => put(key, value, `can't write ${key}`),
    record: {
      read: async (): Promise<SyncRecord> => parseRecord(await get(RECORD, "can't read who may be promoted")),
      write: (record) => put(RECORD, formatRecord(record), "can't write who may be promoted"),
    },
  };
}
