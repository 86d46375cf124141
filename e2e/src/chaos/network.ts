import { type Child, startChild } from "@msdha/testkit";
import { runCommand } from "./run-command.ts";

/** What is dropped at a host: what comes from an address, or what goes there; or three packets in ten of that. */
export type Direction = "in" | "out" | "some_in" | "some_out";

/** A machine of its own as far as the network goes: a namespace with one interface. */
export interface Host {
  readonly name: string;
  readonly address: string;
  /** Starts a program there. Its environment is `env` and nothing else. */
  start(
    command: readonly [string, ...string[]],
    options: { readonly logFile: string; readonly env: NodeJS.ProcessEnv },
  ): Child;
  /**
   * Drops packets at this host, without a word to either side. Resolves when it does, with what takes it back; of two
   * blocks of the same thing the later end counts.
   */
  block(addresses: readonly string[], directions: readonly Direction[]): Promise<() => Promise<void>>;
}

export interface Network {
  /** The address of the sandbox itself, from which every host can be reached. */
  readonly address: string;
  /** What the addresses of all hosts begin with: three numbers. */
  readonly subnet: string;
  addHost(name: string): Promise<Host>;
}

const SUBNET = "10.77.0";
const BRIDGE = "hub";

/** Of every host. */
export const RULES = `table inet chaos {
  set in { type ipv4_addr; }
  set out { type ipv4_addr; }
  set some_in { type ipv4_addr; }
  set some_out { type ipv4_addr; }
  chain input {
    type filter hook input priority 0
    ip saddr @in drop
    ip saddr @some_in numgen random mod 10 < 3 drop
  }
  chain output {
    type filter hook output priority 0
    ip daddr @out drop
    ip daddr @some_out numgen random mod 10 < 3 drop
  }
}`;

/** Makes a bridge in the namespace that this process is in. Only for a sandbox: nothing of it is taken back. */
export async function createNetwork(): Promise<Network> {
  const address = `${SUBNET}.254`;
  await ip("link", "add", BRIDGE, "type", "bridge");
  await ip("addr", "add", `${address}/24`, "dev", BRIDGE);
  await ip("link", "set", BRIDGE, "up");
  let hosts = 0;
  return {
    address,
    subnet: SUBNET,
    addHost: (name) => {
      hosts += 1;
      return addHost(name, `${SUBNET}.${hosts}`);
    },
  };
}

async function addHost(name: string, address: string): Promise<Host> {
  const inside = ["netns", "exec", name] as const;
  await ip("netns", "add", name);
  await ip("link", "add", `v-${name}`, "type", "veth", "peer", "name", "eth0", "netns", name);
  await ip("link", "set", `v-${name}`, "master", BRIDGE, "up");
  await ip("-n", name, "addr", "add", `${address}/24`, "dev", "eth0");
  await ip("-n", name, "link", "set", "eth0", "up");
  await ip("-n", name, "link", "set", "lo", "up");
  await ip(...inside, "nft", RULES);

  const blocks = new Map<string, number>();
  async function change(
    verb: "add" | "delete",
    addresses: readonly string[],
    directions: readonly Direction[],
  ) {
    const changes: string[] = [];
    for (const direction of directions) {
      for (const peer of addresses) {
        const key = `${direction} ${peer}`;
        const count = (blocks.get(key) ?? 0) + (verb === "add" ? 1 : -1);
        blocks.set(key, count);
        if (count === (verb === "add" ? 1 : 0)) {
          changes.push(`${verb} element inet chaos ${direction} { ${peer} }`);
        }
      }
    }
    if (changes.length > 0) await ip(...inside, "nft", changes.join("\n"));
  }

  return {
    name,
    address,
    start: (command, options) => startChild("ip", [...inside, ...command], options),
    async block(addresses, directions) {
      await change("add", addresses, directions);
      return () => change("delete", addresses, directions);
    },
  };
}

async function ip(...args: readonly string[]): Promise<void> {
  await runCommand("ip", args);
}
