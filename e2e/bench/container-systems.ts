// The two systems that container-failover.ts compares: how each is brought up and asked who is its master.

import { listedStates } from "../src/support/listed-states.ts";

/** Runs `docker compose` with the system's files, and resolves with what it prints. */
export type Compose = (...args: readonly string[]) => Promise<string>;

/** Three nodes `db1` to `db3` and a proxy `front`, in a Compose file. */
export interface System {
  readonly file: string;
  /** The services that wait for one another at the start; of others `up --wait` would not come to an end. */
  readonly wait: boolean;
  /** What the nodes get for a way of replication. */
  environment(sync: string): Readonly<Record<string, string>>;
  password(compose: Compose): Promise<string>;
  /** Sets what can be set only while it runs. */
  prepare(compose: Compose, sync: string): Promise<void>;
  /** Resolves with each node's state: `master`, `ready`, or anything else. */
  states(compose: Compose): Promise<ReadonlyMap<string, string>>;
  switchOver(compose: Compose, master: string): Promise<unknown>;
  /** The command by which a node's server is killed. */
  readonly kill: string;
}

const exec = (compose: Compose, service: string, ...command: readonly string[]): Promise<string> =>
  compose("exec", "--no-TTY", service, ...command);

const msdha: System = {
  file: "examples/postgresql/compose.yaml",
  wait: true,
  environment: (sync) => ({ MSDHA_PG_SYNC: sync }),
  password: (compose) => exec(compose, "db1", "cat", "/run/secrets/superuser"),
  prepare: () => Promise.resolve(),
  async states(compose) {
    return listedStates(await exec(compose, "front", "msdha", "list", "--json"));
  },
  switchOver: (compose) => exec(compose, "front", "msdha", "switchover", "--yes"),
  kill: 'kill -9 "$(head -1 "$PGDATA"/postmaster.pid)"',
};

const CONFIGURATION = "/etc/patroni.yml";

const patroni: System = {
  file: "e2e/bench/patroni/compose.yaml",
  wait: false,
  environment: () => ({}),
  password: () => Promise.resolve("bench"),
  async prepare(compose, sync) {
    const mode = [
      "--set",
      `synchronous_mode=${sync !== "off"}`,
      "--set",
      `synchronous_mode_strict=${sync === "strict"}`,
    ];
    await exec(compose, "db1", "patronictl", "-c", CONFIGURATION, "edit-config", "--force", ...mode);
  },
  async states(compose) {
    const asked = await Promise.any(
      ["db1", "db2", "db3"].map((node) =>
        exec(compose, node, "patronictl", "-c", CONFIGURATION, "list", "-f", "json"),
      ),
    );
    const members = JSON.parse(asked) as readonly {
      readonly Member: string;
      readonly Role: string;
      readonly State: string;
    }[];
    const stateOf = (role: string, state: string): string => {
      if (state !== "running" && state !== "streaming") return state;
      return role === "Leader" ? "master" : "ready";
    };
    return new Map(members.map(({ Member, Role, State }) => [Member, stateOf(Role, State)]));
  },
  switchOver: (compose, master) =>
    exec(compose, master, "patronictl", "-c", CONFIGURATION, "switchover", "--force"),
  kill: "kill -9 $(head -1 /data/pgdata/postmaster.pid)",
};

export const systems: Readonly<Record<string, System>> = { msdha, patroni };
