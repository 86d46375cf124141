import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Child } from "@msdha/testkit";
import type { Host } from "./network.ts";
import { type NodeProcesses, type Process, processesOn, signal, sortProcesses } from "./processes.ts";
import type { Random } from "./random.ts";
import { keepRunning, type Restarted } from "./restarted.ts";

/** The port that every node's main process listens on. */
export const SERVICE_PORT = 5432;
const RESTART_MS = 1_000;
/** Debian's libfaketime: makes the wall clock of what is started with it a file's, and leaves the other clocks alone. */
const [FAKETIME] = globSync("/usr/lib/*/faketime/libfaketime.so.1");

/** A node of the group and what the run knows of it. */
export interface ChaosNode extends Restarted {
  readonly name: string;
  readonly host: Host;
  readonly ttlSeconds: number;
  /** Whether it has process ids of its own, as in a container. */
  readonly contained: boolean;
  /** The hosts through which it reaches etcd: etcd's own, or its proxy. */
  readonly etcdAddresses: readonly string[];
  /** Everything that the node started and that is alive, the supervisor itself included. */
  processes(): readonly Process[];
  sorted(): NodeProcesses;
  /** Asks it to stop, as `docker stop` does. */
  askToStop(): void;
  /** Steps the wall clock of the supervisor, to so many seconds from the true time; undefined: it has the machine's. */
  readonly setClock: ((offsetSeconds: number) => void) | undefined;
  readonly hooksDir: string;
  /** Sets whether the next runs may kill another user's processes, which their main process is if not. Default: true. */
  allowKill(allowed: boolean): void;
}

export interface NodePlan {
  readonly name: string;
  readonly ttlSeconds: number;
  readonly contained: boolean;
  readonly proxied: boolean;
  /** Whether its wall clock can be stepped. */
  readonly ownClock: boolean;
  readonly masterTtl: string;
}

export interface NodeOptions {
  readonly host: Host;
  readonly folder: string;
  readonly journal: string;
  readonly group: string;
  readonly backend: string;
  /** The folder of the main process and of what hooks run. */
  readonly programs: string;
  readonly endpoints: string;
  /** How it gets into etcd, as `ETCDCTL_…`. */
  readonly access: NodeJS.ProcessEnv;
  readonly etcdAddresses: readonly string[];
  readonly random: Random;
  readonly onStart: (mode: string) => void;
  readonly onExit: (code: number | string) => void;
}

/** Starts a node whose main process behaves differently each time. */
export function startChaosNode(plan: NodePlan, options: NodeOptions): ChaosNode {
  const { host, folder, journal, group, backend, programs, endpoints, random } = options;
  const users = random.fork("users");
  const hooksDir = join(folder, "hooks");
  const clockFile = join(folder, "clock");
  mkdirSync(hooksDir, { recursive: true });
  for (const [hook, body] of Object.entries(HOOKS)) {
    writeFileSync(join(hooksDir, hook), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }
  const clock = plan.ownClock && FAKETIME ? fakeClock(FAKETIME, clockFile) : undefined;
  const setClock = (seconds: number): void =>
    writeFileSync(clockFile, `${seconds < 0 ? "" : "+"}${seconds}\n`);
  setClock(0);
  let mayKill = true;

  function start(): Child {
    const mode = pickMode(random);
    const asOther = users.chance(0.3);
    const within = mayKill ? (asOther ? WITH_FEW : []) : WITHOUT_KILL;
    options.onStart(`${mode}${mayKill ? (asOther ? ", another user's" : "") : ", without CAP_KILL"}`);
    const env = {
      PATH: process.env["PATH"],
      MSDHA_NODE: process.execPath,
      ETCDCTL_ENDPOINTS: endpoints,
      ...options.access,
      MSDHA_GROUP: group,
      MSDHA_NAME: plan.name,
      MSDHA_ADDRESS: host.address,
      MSDHA_TTL: String(plan.ttlSeconds),
      MSDHA_MASTER_TTL: plan.masterTtl,
      MSDHA_STOP_TIMEOUT: "3",
      MSDHA_RUN_DIR: join(folder, "run"),
      MSDHA_HOOKS_DIR: hooksDir,
      ...clock,
      CHAOS_JOURNAL: journal,
      CHAOS_MODE: mode,
      CHAOS_PORT: String(SERVICE_PORT),
      CHAOS_MASTER_MS: String(random.chance(0.2) ? random.whole(100, 3_000) : 0),
      CHAOS_READY_S: random.chance(0.2) ? random.between(0.1, 2).toFixed(1) : "0",
      CHAOS_BEATER: join(programs, "beater.pl"),
      CHAOS_NOTE: join(programs, "note.pl"),
      CHAOS_AS: asOther || !mayKill ? AS_NOBODY : "",
    };
    const command = [...(plan.contained ? CONTAINER : []), ...within, backend] as [string, ...string[]];
    return host.start(command, {
      logFile: join(folder, "log"),
      env,
    });
  }

  const restarted = keepRunning({ start, delayMs: RESTART_MS, onExit: options.onExit });
  const processes = (): readonly Process[] => processesOn(host.name);
  return Object.assign(restarted, {
    ...{ name: plan.name, host, ttlSeconds: plan.ttlSeconds, contained: plan.contained },
    etcdAddresses: options.etcdAddresses,
    processes,
    sorted: () => sortProcesses(processes()),
    askToStop() {
      const init = plan.contained && processes().find(({ parent }) => parent === restarted.child.pid);
      signal(init || restarted.child.pid, "SIGTERM");
    },
    ...{ setClock: clock && setClock, hooksDir },
    allowKill(allowed: boolean) {
      mayKill = allowed;
    },
  });
}

function fakeClock(library: string, file: string): NodeJS.ProcessEnv {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}

const CONTAINER = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--"] as const;

/** What a node needs whose program is another user's. */
const WITH_FEW = [
  "setpriv",
  "--bounding-set=-all,+kill,+setuid,+setgid,+dac_override",
  "--inh-caps=-all",
  "--",
];
const WITHOUT_KILL = ["setpriv", "--bounding-set=-kill", "--inh-caps=-all", "--"];
const AS_NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups --";

const RUN = `unset LD_PRELOAD; run=$(cat "$MSDHA_RUN_DIR/run_id")`;
const NOTE = `exec "$CHAOS_NOTE" "$CHAOS_JOURNAL"`;
const HOOKS = {
  start: `${RUN}
BEATER_RUN=$run exec $CHAOS_AS "$CHAOS_BEATER" "$CHAOS_JOURNAL" "$MSDHA_NAME" "$CHAOS_MODE" "$MSDHA_ADDRESS" "$CHAOS_PORT"`,
  running_not_ready: `${RUN}
exec sleep "$CHAOS_READY_S"`,
  master: `${RUN}
${NOTE} master "$MSDHA_NAME" "$run" "$MSDHA_FENCING_TOKEN" "$CHAOS_MASTER_MS"`,
  node_state_change: `${RUN}
${NOTE} change "$MSDHA_NAME" "$run" "$1 $2 $3"`,
};

function pickMode(random: Random): string {
  const mode = random.pick(["plain", "plain", "setsid", "double-fork", "ignore-term", "slow"]);
  return mode === "slow" ? `slow:${random.whole(200, 4_000)}` : mode;
}
