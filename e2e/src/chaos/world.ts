import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beater } from "../support/paths.ts";
import { createAccess, OPEN_ACCESS } from "./access.ts";
import { type Etcd, startEtcd } from "./etcd.ts";
import { type ChaosFrontend, startChaosFrontend } from "./frontend.ts";
import { createNetwork, type Network } from "./network.ts";
import { type ChaosNode, startChaosNode } from "./node.ts";
import { type Observer, observe } from "./observer.ts";
import type { Plan } from "./plan.ts";
import { type SlowProxy, startProxy } from "./proxy.ts";
import type { Random } from "./random.ts";

export const GROUP = "chaos";
const PREFIX = `/msdha/${GROUP}/`;
/** Where the programs are that have been built here. */
export const BUILT: string = fileURLToPath(new URL("../../../packages", import.meta.url));

/** Everything that faults may happen to. */
export interface World extends AsyncDisposable {
  readonly network: Network;
  readonly etcd: Etcd;
  readonly nodes: readonly ChaosNode[];
  readonly frontends: readonly ChaosFrontend[];
  /** Those of the nodes that have one, by their names. */
  readonly proxies: ReadonlyMap<string, SlowProxy>;
  readonly observer: Observer;
  readonly journal: string;
  /** The prefix of the group's keys. */
  readonly prefix: string;
}

export interface WorldOptions {
  readonly folder: string;
  /** The folder of the programs: `backend/bin/msdha-backend` and so on. */
  readonly code: string;
  readonly random: Random;
  readonly onStart: (node: string, mode: string) => void;
  readonly onExit: (name: string, code: number | string) => void;
}

/** Sets everything up in the sandbox's namespaces. Resolves when etcd answers; nodes and frontends come up by themselves. */
export async function createWorld(plan: Plan, options: WorldOptions): Promise<World> {
  const { folder, random, onStart, onExit } = options;
  const code = copyCode(options.code, folder);
  const journal = join(folder, "journal");
  // A program of another user's writes to it too.
  chmodSync(folder, 0o755);
  writeFileSync(journal, "");
  chmodSync(journal, 0o666);
  const network = await createNetwork();
  const members = [];
  for (const name of ["e1", "e2", "e3"]) members.push(await network.addHost(name));
  const access = plan.secured
    ? await createAccess(join(folder, "tls"), { subnet: network.subnet, prefix: PREFIX })
    : OPEN_ACCESS;
  const etcd = await startEtcd(members, join(folder, "etcd"), access);
  const observer = observe(etcd, PREFIX);
  const proxies = new Map<string, SlowProxy>();
  const nodes: ChaosNode[] = [];
  for (const nodePlan of plan.nodes) {
    const { name } = nodePlan;
    const host = await network.addHost(name);
    if (nodePlan.proxied) {
      const targets = etcd.members.map(({ endpoint }) => endpoint);
      proxies.set(name, startProxy(await network.addHost(`${name}x`), targets));
    }
    const proxy = proxies.get(name);
    nodes.push(
      startChaosNode(nodePlan, {
        ...{ host, folder: join(folder, name), journal, group: GROUP, backend: code.backend },
        programs: code.programs,
        endpoints: proxy?.endpoints ?? etcd.endpoints,
        access: access.environment,
        etcdAddresses: proxy ? [proxy.host.address] : members.map(({ address }) => address),
        random: random.fork(name),
        onStart: (mode) => onStart(name, mode),
        onExit: (exit) => onExit(name, exit),
      }),
    );
  }
  const frontends: ChaosFrontend[] = [];
  for (let number = 1; number <= plan.frontends; number++) {
    const name = `f${number}`;
    frontends.push(
      startChaosFrontend({
        ...{ host: await network.addHost(name), folder: join(folder, name), group: GROUP },
        ...{ ttlSeconds: plan.ttlSeconds, frontend: code.frontend, endpoints: etcd.endpoints },
        access: access.environment,
        onExit: (exit) => onExit(name, exit),
      }),
    );
  }
  return {
    ...{ network, etcd, nodes, frontends, proxies, observer, journal, prefix: PREFIX },
    async [Symbol.asyncDispose]() {
      await Promise.all([...nodes, ...frontends].map((one) => one[Symbol.asyncDispose]()));
      await observer[Symbol.asyncDispose]();
      for (const member of etcd.members) await member.kill();
    },
  };
}

interface Code {
  readonly backend: string;
  readonly frontend: string;
  /** The folder of the main process and of what hooks run. */
  readonly programs: string;
}

/**
 * Copies what is run: a build during the run must not change it, and another user may not be able to enter the
 * checkout's folder. A run that is just being set up (script/chaos) builds; its build is waited for.
 */
function copyCode(packages: string, folder: string): Code {
  const copy = (from: string, to: string): void => {
    mkdirSync(dirname(to), { recursive: true });
    execFileSync("flock", ["--close", packages, "cp", "-RL", from, to]);
  };
  for (const app of ["backend", "frontend"]) {
    const target = join(folder, "code", app);
    copy(join(packages, app, "bin"), join(target, "bin"));
    const bundle = join("dist", `msdha-${app}.mjs`);
    copy(join(packages, app, bundle), join(target, bundle));
  }
  const programs = join(folder, "code", "programs");
  cpSync(dirname(beater), programs, { recursive: true });
  return {
    backend: join(folder, "code", "backend", "bin", "msdha-backend"),
    frontend: join(folder, "code", "frontend", "bin", "msdha-frontend"),
    programs,
  };
}
