import { join } from "node:path";
import type { Clock } from "@msdha/clock";
import { type Account, openAccount } from "./account.ts";
import type { Activity } from "./activity.ts";
import { type GroupStore, openGroupStore } from "./backend-command.ts";
import { CLIENT_VARIABLES } from "./conninfo.ts";
import { type GroupFiles, openGroupFiles } from "./current-master.ts";
import { type Files, openFiles } from "./files.ts";
import { type LocalServer, openLocalServer, type SessionPool } from "./local-server.ts";
import type { LogWait } from "./log-wait.ts";
import type { MasterPosition } from "./master-position.ts";
import { memberOf } from "./names.ts";
import { createPeers, type Peer } from "./peer.ts";
import { findPrograms } from "./programs.ts";
import { type ProgramResult, type RunProgramOptions, runProgram } from "./run-program.ts";
import { type Environment, readSecret, readSettings, type Settings } from "./settings.ts";
import type { Turns } from "./turns.ts";

/** What hooks share that run beside one another, and one after the other. */
export interface Shared {
  readonly clock: Clock;
  readonly pool: SessionPool;
  /** One at a time decides whom this node follows. */
  readonly following: Turns;
  /** For the `report` hook, which runs beside the others. */
  readonly activity: Activity;
  /** How often the `node_state_change` hook was called: once for each change of a node, and for each node at the start. */
  readonly nodeChanges: { count: number };
  /** For how long a standby lacks log. */
  readonly logWait: LogWait;
  /** What was logged of a slot that this standby lacks; empty where it has one. */
  readonly slotNote: { text: string };
  /** How far the last master was, as a candidate has read it: a new master replaces it by its own. */
  readonly formerMaster: { position: MasterPosition | undefined };
  /** The folder of this package's own scripts. */
  readonly scripts: string;
}

/** One run of a hook, and all that it works with. */
export interface HookContext extends Shared {
  readonly args: readonly string[];
  readonly env: Environment;
  readonly settings: Settings;
  /** What this node's standby is called. */
  readonly member: string;
  readonly account: Account;
  readonly files: Files;
  readonly group: GroupFiles;
  readonly store: GroupStore;
  readonly server: LocalServer;
  readonly peer: (address: string) => Peer;
  /** Aborts when nobody waits for this hook any more. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Returns the path of one of PostgreSQL's programs. */
  readonly program: (name: string) => string;
  /** Runs one of them, or another command, as the server's user. */
  readonly run: (command: readonly string[], options?: Partial<RunProgramOptions>) => Promise<ProgramResult>;
  /** Runs something on files beside the data directory, as the server's user where that may write there. */
  readonly inParent: <T>(action: () => T) => T;
  /** Where this hook holds the lock of the data: takes that of new ones, before they take their place. */
  readonly lockNewData?: (folder: string) => Promise<void>;
  /** Sleeps; rejects when the hook is over. */
  readonly sleep: (ms: number) => Promise<void>;
}

export interface HookCall {
  readonly args: readonly string[];
  readonly env: Environment;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly sessions: DisposableStack;
}

/** What the environment says about data and servers must not lead PostgreSQL's programs astray. */
const OWN_VARIABLES = ["PGDATA", "PGDATABASE", "PGHOST", "PGOPTIONS", "PGPORT", "PGUSER"];

/** Makes the context of one run. Throws a `HookFailure` where the environment can't be used. */
export function createContext(shared: Shared, { args, env, signal, log, sessions }: HookCall): HookContext {
  const settings = readSettings(env);
  const account = openAccount(settings.osUser);
  const files = openFiles(account);
  const misleading = [...OWN_VARIABLES, ...CLIENT_VARIABLES];
  const programEnv: NodeJS.ProcessEnv = {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !misleading.includes(name))),
    PGCONNECT_TIMEOUT: "3",
  };
  const { data, parent } = settings;
  return {
    ...shared,
    args,
    env,
    settings,
    member: memberOf(settings.name),
    account,
    files,
    group: openGroupFiles(settings.runDir, settings.name, shared.clock),
    store: openGroupStore(env, signal),
    server: openLocalServer(settings, {
      account,
      files,
      pool: shared.pool,
      password: readOptionalSecret(env, "POSTGRES_PASSWORD"),
    }),
    peer: createPeers(settings, {
      password: () => readSecret(env, "MSDHA_PG_REPLICATION_PASSWORD"),
      sessions,
    }),
    signal,
    log,
    program: (name) => join(findPrograms(env, files, data), name),
    run: (command, options = {}) =>
      runProgram([...account.prefix, ...command], { env: programEnv, signal, ...options }),
    inParent: (action) => (account.may("w", parent) ? account.act(action) : action()),
    sleep: (ms) => shared.clock.sleep(ms, { signal }),
  };
}

/** Returns a secret; empty where it can't be read. The server's socket needs none where the data were made here. */
export function readOptionalSecret(env: Environment, name: string): string {
  try {
    return readSecret(env, name);
  } catch {
    return "";
  }
}
