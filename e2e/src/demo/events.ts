import { setTimeout as sleep } from "node:timers/promises";
import type { GroupWatch } from "../postgresql-group/group-watch.ts";
import type { GroupHandle } from "./group-handle.ts";
import { until } from "./until.ts";

export const EVENT_KINDS = ["planned-stop", "main-crash", "node-kill", "master-cut", "etcd-outage"] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** What an event needs to happen. */
export interface Scene {
  readonly group: GroupHandle;
  readonly watch: GroupWatch;
  readonly ttlSeconds: number;
  /** How long anything may take before the demo gives up. */
  readonly patienceMs: number;
}

/** Something that happens to the master. */
export interface DemoEvent {
  readonly title: string;
  /** Resolves when it has happened, with what brings everything back; that is called once clients are served again. */
  happen(scene: Scene, master: string): Promise<() => Promise<void>>;
}

const MARGIN_MS = 1_000;

export const events: Readonly<Record<EventKind, DemoEvent>> = {
  "planned-stop": {
    title: "the master is asked to stop",
    async happen({ group }, master) {
      await group.stopNode(master);
      return () => group.startNode(master);
    },
  },
  "main-crash": {
    title: "the master's PostgreSQL is killed",
    async happen({ group }, master) {
      await group.crashMainProcess(master);
      // The node ends with it and is started again, as any container that is to be restarted.
      return async () => {};
    },
  },
  "node-kill": {
    title: "everything of the master's node is killed",
    async happen({ group }, master) {
      await group.killNode(master);
      return () => group.startNode(master);
    },
  },
  "master-cut": {
    title: "the master alone is cut off from etcd",
    async happen({ group, ttlSeconds }, master) {
      const over = sleep(3_000 * ttlSeconds + MARGIN_MS);
      await group.cutFromEtcd(master);
      return async () => {
        await over;
        await group.reconnectToEtcd(master);
      };
    },
  },
  "etcd-outage": {
    title: "etcd is away for everyone",
    async happen({ group, ttlSeconds, patienceMs }) {
      const before = await group.countExits();
      await group.stopEtcd();
      await sleep(2_000 * ttlSeconds + MARGIN_MS);
      const allStopped = async (): Promise<boolean> =>
        Object.entries(await group.countExits()).every(([node, exits]) => exits > (before[node] ?? 0));
      await until(allStopped, { what: "all nodes to stop without etcd", patienceMs });
      await group.startEtcd();
      return async () => {};
    },
  },
};
