import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { type EtcdAccess, etcdctl } from "./etcdctl.ts";
import { readPrefix } from "./read-prefix.ts";
import type { TlsFiles } from "./tls.ts";
import { waitFor } from "./wait-for.ts";

/** One etcd process on 127.0.0.1 and what a test may do to it. */
export interface EtcdMember extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, or `https` with TLS. */
  readonly endpoint: string;
  readonly clientPort: number;
  /** Of the present process; another one after `restart`. */
  readonly pid: number;
  /** Sends SIGSTOP: connections stay open and nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** Sends SIGKILL and resolves when it is dead. Its data and ports are kept for `restart`. */
  kill(): Promise<void>;
  /** Kills it if it runs, and starts it again with the same data and ports, and with `args` besides. Does not wait until it answers. */
  restart(...args: string[]): Promise<void>;
  /** Kills it and starts it with the data of a snapshot (`etcdctl snapshot save FILE`), as the only member. */
  restore(snapshot: string): Promise<void>;
  /** Resolves when a linearizable read through this member has succeeded; rejects after 20 s. */
  ready(): Promise<void>;
  /** Runs `etcdctl` on this member alone, as root once authentication is on. */
  etcdctl(...args: string[]): Promise<string>;
  /** Reads all keys that begin with `prefix`, as root once authentication is on: their values by the rest of their names. */
  read(prefix: string): Promise<Readonly<Record<string, string>>>;
  /** The certificates, if it was started with TLS. */
  readonly tls: TlsFiles | undefined;
  /** How `etcdctl` gets in; `enableAuth` sets the user. */
  readonly access: EtcdAccess;
  /** The member's own log. */
  log(): string;
}

export interface EtcdMemberOptions {
  readonly name: string;
  readonly folder: string;
  readonly clientPort: number;
  readonly peerPort: number;
  /** The port that the others connect to, when it is not `peerPort` itself. */
  readonly advertisedPeerPort?: number;
  readonly initialCluster: string;
  readonly tls: TlsFiles | undefined;
  readonly extraArgs: readonly string[];
  readonly heartbeatMs: number | undefined;
  readonly electionMs: number | undefined;
  readonly afterDispose?: () => Promise<void>;
}

/** Nothing else of the environment: etcd reads variables of its own (`ETCD_…`). */
const { PATH } = process.env;

/** Starts one member; it does not wait until it answers, since a cluster's first needs the second for that. */
export function startEtcdMember(options: EtcdMemberOptions): EtcdMember {
  const { name, folder, clientPort, tls } = options;
  mkdirSync(folder, { recursive: true });
  const endpoint = `${tls ? "https" : "http"}://127.0.0.1:${clientPort}`;
  const access: EtcdAccess = { endpoint, tls };
  const logFile = join(folder, `${name}.log`);
  let data = join(folder, "data");
  const start = (more: readonly string[] = []): Child =>
    startChild("etcd", [...etcdArguments(endpoint, data, options), ...more], {
      logFile,
      env: { PATH },
    });
  let child = start();
  let restores = 0;

  async function restart(...more: string[]): Promise<void> {
    await child.kill();
    child = start(more);
  }

  async function restore(snapshot: string): Promise<void> {
    restores += 1;
    const restored = join(folder, `restored-${restores}`);
    const peer = `http://127.0.0.1:${options.peerPort}`;
    await etcdctl(
      access,
      ...["snapshot", "restore", snapshot, `--name=${name}`, `--data-dir=${restored}`],
      ...[`--initial-cluster=${name}=${peer}`, `--initial-advertise-peer-urls=${peer}`],
    );
    data = restored;
    await restart();
  }

  async function ready(): Promise<void> {
    const read = () => readPrefix(access, "ready", { limitMs: 2_000 });
    await waitFor(read, { what: `a linearizable read through etcd member ${name}`, timeoutMs: 20_000 }).catch(
      (error) => {
        throw new Error(`${error.message}\n${child.log().split("\n").slice(-20).join("\n")}`, {
          cause: error,
        });
      },
    );
  }

  return {
    endpoint,
    clientPort,
    get pid() {
      return child.pid;
    },
    freeze: () => child.freeze(),
    thaw: () => child.thaw(),
    kill: () => child.kill(),
    restart,
    restore,
    ready,
    etcdctl: (...args) => etcdctl(access, ...args),
    read: (prefix) => readPrefix(access, prefix),
    access,
    tls,
    log: () => child.log(),
    async [Symbol.asyncDispose]() {
      await child.kill();
      await options.afterDispose?.();
    },
  };
}

function etcdArguments(endpoint: string, data: string, options: EtcdMemberOptions): string[] {
  const { name, peerPort, advertisedPeerPort = peerPort, initialCluster, tls } = options;
  const args = [
    `--name=${name}`,
    `--data-dir=${data}`,
    `--listen-client-urls=${endpoint}`,
    `--advertise-client-urls=${endpoint}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${advertisedPeerPort}`,
    `--initial-cluster=${initialCluster}`,
    "--logger=zap",
    "--log-outputs=stderr",
  ];
  if (tls) {
    args.push(`--cert-file=${tls.serverCert}`, `--key-file=${tls.serverKey}`);
    args.push(`--trusted-ca-file=${tls.caCert}`, "--client-cert-auth");
  }
  if (options.heartbeatMs) args.push(`--heartbeat-interval=${options.heartbeatMs}`);
  if (options.electionMs) args.push(`--election-timeout=${options.electionMs}`);
  return [...args, ...options.extraArgs];
}
