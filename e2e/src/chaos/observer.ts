import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { bootTime } from "../support/boot-time.ts";
import type { Etcd } from "./etcd.ts";
import { createGroupHistory, type GroupHistory, type KeyChange } from "./group-history.ts";

/** Follows a group's keys from the first revision on, by etcd's own client on every member at once. */
export interface Observer extends AsyncDisposable {
  readonly history: GroupHistory;
  /** Resolves at the next change that comes in. */
  change(): Promise<void>;
}

const AGAIN_MS = 200;

/**
 * Starts it. A member that is dead, frozen or cut off tells nothing and costs nothing, as long as another one tells.
 * Nothing may be compacted that it has not told yet.
 */
export function observe(etcd: Etcd, prefix: string): Observer {
  const history = createGroupHistory();
  let told = Promise.withResolvers<void>();
  let going = true;
  const children = new Map<string, ChildProcess>();

  function take(line: string): void {
    const events = parseEvents(line, prefix);
    const seen = history.revision;
    const now = bootTime();
    for (const event of events) if (event.revision > seen) history.add(event, now);
    if (history.revision > seen) {
      told.resolve();
      told = Promise.withResolvers();
    }
  }

  function follow(endpoint: string): void {
    const revision = `--rev=${history.revision + 1}`;
    const child = spawn(
      "etcdctl",
      [
        `--endpoints=${endpoint}`,
        ...etcd.access.clientFlags,
        "watch",
        "--prefix",
        prefix,
        revision,
        "-w",
        "json",
      ],
      { stdio: ["ignore", "pipe", "ignore"], env: { PATH: process.env["PATH"], ETCDCTL_API: "3" } },
    );
    children.set(endpoint, child);
    createInterface({ input: child.stdout }).on("line", take);
    child.once("exit", () => {
      if (going) setTimeout(() => going && follow(endpoint), AGAIN_MS);
    });
  }

  for (const { endpoint } of etcd.members) follow(endpoint);
  return {
    history,
    change: () => told.promise,
    async [Symbol.asyncDispose]() {
      going = false;
      for (const child of children.values()) child.kill("SIGKILL");
    },
  };
}

interface WatchEvent {
  readonly type?: number;
  readonly kv: {
    readonly key: string;
    readonly value?: string;
    readonly mod_revision: number;
    readonly create_revision?: number;
    readonly lease?: string;
  };
}

/** Reads a line of `etcdctl watch -w json`. Lease ids are larger than what a number can hold exactly. */
function parseEvents(line: string, prefix: string): readonly KeyChange[] {
  if (!line.startsWith("{")) return [];
  const exact = line.replaceAll(/"lease":(\d+)/g, '"lease":"$1"');
  const { Events: events } = JSON.parse(exact) as { readonly Events: readonly WatchEvent[] | null };
  return (events ?? []).map(({ type, kv }) => ({
    revision: kv.mod_revision,
    type: type === 1 ? "DELETE" : "PUT",
    key: decode(kv.key).slice(prefix.length),
    value: decode(kv.value ?? ""),
    createRevision: kv.create_revision ?? 0,
    lease: kv.lease ?? "0",
  }));
}

function decode(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}
