import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { getFreePort, tempDir } from "@msdha/testkit";
import { noteSharedMemory } from "../postgresql-group/server-memory.ts";
import { askServer } from "./ask-server.ts";
import { backendStandIn } from "./backend-stand-in.ts";
import { childrenOf, send } from "./server-processes.ts";

const hooksDir = fileURLToPath(new URL("../../../images/backend-postgresql/hooks", import.meta.url));
const programDir = fileURLToPath(new URL("../../../packages/postgresql/bin", import.meta.url));

export interface HookResult {
  readonly exitCode: number;
  /** What the hook printed, line by line, with what PostgreSQL's own programs printed. */
  readonly output: string;
}

/** A node whose hooks are run one at a time by the test, as the backend would run them. */
export interface HookNode {
  readonly name: string;
  readonly data: string;
  readonly runDir: string;
  readonly address: string;
  /** What is beside the data directory, and the data directory itself. */
  folders(): readonly string[];
  hook(name: string, ...args: readonly string[]): Promise<HookResult>;
  /** Runs the hook with other settings. `undefined` takes one away. */
  hookWith(settings: Readonly<Record<string, string | undefined>>, name: string): Promise<HookResult>;
  /** Runs `msdha-postgresql` with these arguments, as an operator does in the node's container. */
  command(...args: readonly string[]): Promise<HookResult>;
  /** Runs the `start` hook, which becomes the server. */
  start(): void;
  /** Ends the server and resolves when it has ended. SIGINT is its fast stop; SIGKILL goes to all its processes. */
  stop(signal: "SIGINT" | "SIGKILL"): Promise<void>;
  /** Sends a signal to all of the server's processes. */
  signalServer(signal: "SIGSTOP" | "SIGCONT"): Promise<void>;
  /** Resolves when the server has ended. */
  readonly ended: Promise<void>;
  /** The first column of the first row, as text. */
  sql(statement: string, user?: string): Promise<string>;
}

/** Nodes without a backend. What they claim is kept in files; who the master is says the test. */
export interface HookGroup extends AsyncDisposable {
  /** Returns the node of this name, made with these settings besides the group's where it is new. */
  node(name: string, settings?: Readonly<Record<string, string>>): HookNode;
  setMaster(name: string | undefined): void;
  setClaim(key: string, value: string): void;
  /** Puts a script before the programs of this name, for all nodes. */
  setProgram(name: string, script: string): void;
  /** What nodes see of the group, as `msdha-backend view` prints it. */
  setView(status: Readonly<Record<string, unknown>>): void;
  /** What the group says a node is; `ready` before. */
  setState(name: string, state: string): void;
  /** What a master has put, or undefined. */
  value(key: string): string | undefined;
  setValue(key: string, value: string): void;
  /** Has the next put fail, but be kept as one that etcd may still carry out. */
  leavePutPending(): void;
  /** Whether that put was sent and another one was carried out since. */
  isPutOvertaken(): boolean;
  /** Carries that put out; false when another one was carried out after it was sent, undefined when there is none yet. */
  carryOutPut(): boolean | undefined;
}

const PASSWORD = "it's a:secret\\";

export async function createHookGroup(settings: Readonly<Record<string, string>> = {}): Promise<HookGroup> {
  const place = tempDir({ prefix: "msdha-pg-" });
  const folder = place.path;
  chmodSync(folder, 0o755);
  const port = String(await getFreePort());
  const block = `127.${64 + Math.floor(Math.random() * 128)}.${Math.floor(Math.random() * 256)}`;
  const commands = join(folder, "bin");
  const claims = join(folder, "claims");
  for (const path of [commands, claims]) mkdirSync(path);
  writeFileSync(join(commands, "msdha-backend"), backendStandIn(claims), { mode: 0o755 });

  const nodes = new Map<string, HookNode>();
  const states = new Map<string, string>();
  const leftMemory: (() => Promise<void>)[] = [];
  let master: string | undefined;

  function readPending():
    | { readonly key: string; readonly value: string; readonly overtaken: boolean }
    | undefined {
    const file = join(claims, "pending");
    if (!existsSync(file)) return undefined;
    const [key = "", sentAt = "", value = ""] = readFileSync(file, "utf8").split("\n");
    return { key, value, overtaken: readFileSync(join(claims, `puts-${key}`)).length !== Number(sentAt) };
  }

  function tell(node: { readonly name: string; readonly runDir: string }): void {
    const address = master === undefined ? "" : `${nodes.get(master)?.address}\n`;
    writeFileSync(join(node.runDir, "current_master_address"), address);
    writeFileSync(join(node.runDir, "current_master"), master === undefined ? "" : `${master}\n`);
    rmSync(join(node.runDir, "is_master"), { force: true });
    if (node.name === master) writeFileSync(join(node.runDir, "is_master"), "");
  }

  function writeNodes(): void {
    const lines = [...nodes.values()].map(
      ({ name, address }) => `${name} ${states.get(name) ?? "ready"} ${address}\n`,
    );
    writeFileSync(join(claims, "nodes"), lines.join(""));
  }

  function create(name: string, ownSettings: Readonly<Record<string, string>>): HookNode {
    const own = join(folder, name);
    const runDir = join(own, "run");
    const data = ownSettings["PGDATA"] ?? join(own, "data");
    mkdirSync(runDir, { recursive: true });
    const address = `${block}.${nodes.size + 1}`;
    const environment: Readonly<Record<string, string>> = {
      PATH: `${commands}:${programDir}:${process.env["PATH"]}`,
      MSDHA_GROUP: "g",
      MSDHA_NAME: name,
      MSDHA_ADDRESS: address,
      MSDHA_TTL: "1",
      MSDHA_FENCING_TOKEN: "1",
      MSDHA_RUN_DIR: runDir,
      MSDHA_PG_LISTEN: address,
      MSDHA_PG_REPLICATION_PASSWORD: PASSWORD,
      POSTGRES_PASSWORD: PASSWORD,
      PGDATA: data,
      PGPORT: port,
      ...settings,
      ...ownSettings,
    };
    let server: ChildProcess | undefined;
    let ended = Promise.resolve();
    let runs = 0;

    async function run(
      settings: Readonly<Record<string, string | undefined>>,
      hook: string,
      args: readonly string[] = [],
      path = join(hooksDir, hook),
    ): Promise<HookResult> {
      const env = { ...environment, MSDHA_HOOK: hook, ...settings };
      // A file and no pipe: what a hook leaves running would keep that open.
      runs += 1;
      const output = join(runDir, `output-${runs}-${hook}`);
      const log = openSync(output, "a");
      const child = spawn(path, args, { env, stdio: ["ignore", log, log] });
      closeSync(log);
      const exitCode = await new Promise<number>((resolve, reject) => {
        child.once("error", reject);
        child.once("exit", (code) => resolve(code ?? -1));
      });
      // The output goes with the group's folder. A hook that ends then is one that its test does not wait for.
      const text = await readFile(output, "utf8").catch(() => "");
      return { exitCode, output: text.trimEnd() };
    }

    async function stop(signal: "SIGINT" | "SIGKILL"): Promise<void> {
      const pid = server?.pid;
      if (pid === undefined || server?.exitCode !== null || server.signalCode !== null) return;
      const children = await childrenOf(pid);
      if (signal === "SIGKILL") leftMemory.push(await noteSharedMemory([pid]));
      process.kill(pid, signal);
      if (signal === "SIGKILL") for (const child of children) send(child, "SIGKILL");
      await ended;
    }

    const node = {
      ...{ name, data, runDir, address },
      folders: () => readdirSync(own).sort(),
      hook: (hook: string, ...args: readonly string[]) => run({}, hook, args),
      hookWith: run,
      command: (...args: readonly string[]) => run({}, "command", args, join(programDir, "msdha-postgresql")),
      start() {
        const log = openSync(join(runDir, "server.log"), "a");
        const started = spawn(join(hooksDir, "start"), {
          env: environment,
          stdio: ["ignore", log, log],
        });
        closeSync(log);
        server = started;
        ended = new Promise((resolve) => started.once("exit", () => resolve()));
      },
      stop,
      async signalServer(signal: NodeJS.Signals) {
        const pid = server?.pid;
        if (pid === undefined) throw new Error(`the server of ${name} was not started`);
        for (const one of [pid, ...(await childrenOf(pid))]) send(one, signal);
      },
      get ended() {
        return ended;
      },
      sql: (statement: string, user = "postgres") =>
        askServer({ host: join(runDir, "postgresql"), port: Number(port), user }, statement),
    };
    nodes.set(name, node);
    writeNodes();
    tell(node);
    return node;
  }

  return {
    node: (name, ownSettings = {}) => nodes.get(name) ?? create(name, ownSettings),
    setMaster(name) {
      master = name;
      for (const node of nodes.values()) tell(node);
    },
    setClaim: (key, value) => writeFileSync(join(claims, key), value),
    setProgram: (name, script) => writeFileSync(join(commands, name), script, { mode: 0o755 }),
    setView: (status) => writeFileSync(join(claims, "view"), JSON.stringify({ status })),
    setState(name, state) {
      states.set(name, state);
      writeNodes();
    },
    value: (key) => {
      const file = join(claims, `value-${key}`);
      return existsSync(file) ? readFileSync(file, "utf8") : undefined;
    },
    setValue: (key, value) => writeFileSync(join(claims, `value-${key}`), value),
    leavePutPending: () => writeFileSync(join(claims, "unanswered"), ""),
    isPutOvertaken: () => readPending()?.overtaken ?? false,
    carryOutPut() {
      const pending = readPending();
      if (!pending) return undefined;
      const { key, value, overtaken } = pending;
      rmSync(join(claims, "pending"));
      if (overtaken) return false;
      writeFileSync(join(claims, `value-${key}`), value);
      return true;
    },
    async [Symbol.asyncDispose]() {
      master = undefined;
      for (const node of nodes.values()) tell(node);
      for (const node of nodes.values()) await node.stop("SIGINT");
      for (const remove of leftMemory) await remove();
      await place[Symbol.asyncDispose]();
    },
  };
}
