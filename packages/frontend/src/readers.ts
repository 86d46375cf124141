import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import { type GroupView, mastership, readyNodes } from "@msdha/group";
import type { Log } from "@msdha/log";
import { followAddress, type Lookup, type Reach } from "./follow-address.ts";
import type { ServerAddress } from "./proxy.ts";

export interface ReadersOptions {
  /** The port of the nodes. */
  readonly port: number;
  /** A node that lacks more bytes takes no readers, nor does one that does not say; Infinity: each that is ready does. */
  readonly maxLagBytes: number;
  readonly lookup: Lookup;
  readonly lookupIntervalMs: number;
  readonly lookupKeepMs: number;
  readonly reach: Reach;
  readonly isOwn: (address: string) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Called with the servers that readers go to, after each change; must not throw. */
  readonly onServers: (servers: readonly ServerAddress[]) => void;
}

/** Follows which nodes take readers: those that are ready and not too far behind, or the master where none is. Disposing ends that. */
export interface Readers extends Disposable {
  see(view: GroupView): void;
  /** The names of the nodes that readers go to now. */
  readonly names: readonly string[];
}

interface Reader {
  readonly host: string;
  readonly following: AbortController;
  address: string | undefined;
}

/** Makes it, without any node. What it follows is etcd's watch alone: a node may take readers for a while too long. */
export function createReaders(options: ReadersOptions): Readers {
  const { port, maxLagBytes, isOwn, clock, log, onServers } = options;
  const readers = new Map<string, Reader>();
  let published = "";

  function servers(): readonly (readonly [name: string, address: string])[] {
    return [...readers]
      .flatMap(([name, { address }]) => (address === undefined ? [] : [[name, address] as const]))
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  function publish(): void {
    const now = servers();
    const text = JSON.stringify(now);
    if (text === published) return;
    published = text;
    log.info({ nodes: now.map(([name]) => name) }, "readers go to these nodes");
    onServers(now.map(([, address]) => ({ address, port })));
  }

  function follow(name: string, host: string): void {
    const reader: Reader = { host, following: new AbortController(), address: undefined };
    readers.set(name, reader);
    void followAddress(host, {
      lookup: options.lookup,
      reach: options.reach,
      clock,
      signal: reader.following.signal,
      intervalMs: options.lookupIntervalMs,
      keepMs: options.lookupKeepMs,
      onAddress(address) {
        if (isOwn(address))
          log.error({ node: name, address }, "the node's address leads back to this frontend");
        reader.address = isOwn(address) ? undefined : address;
        publish();
      },
      onGone() {
        reader.address = undefined;
        publish();
      },
      onTrouble: (error) =>
        log.warn({ node: name, host, why: describeError(error) }, "a reader's node can't be resolved"),
    });
  }

  return {
    see(view) {
      const wanted = readersIn(view, maxLagBytes);
      for (const [name, { host, following }] of readers) {
        if (wanted.get(name) === host) continue;
        following.abort();
        readers.delete(name);
      }
      for (const [name, host] of wanted) if (!readers.has(name)) follow(name, host);
      publish();
    },
    get names() {
      return servers().map(([name]) => name);
    },
    [Symbol.dispose]() {
      for (const { following } of readers.values()) following.abort();
    },
  };
}

/** Returns the nodes that take readers, and their hosts. */
function readersIn(view: GroupView, maxLagBytes: number): ReadonlyMap<string, string> {
  const isNear = (name: string): boolean =>
    (view.reports.get(name)?.behind ?? Number.POSITIVE_INFINITY) <= maxLagBytes;
  const near = readyNodes(view).filter(([name]) => isNear(name));
  const hosts = near.map(([name]) => [name, view.details.get(name)?.address ?? name] as const);
  if (hosts.length > 0) return new Map(hosts);
  const master = mastership(view);
  return new Map(master.kind === "master" && !master.held ? [[master.name, master.address]] : []);
}
