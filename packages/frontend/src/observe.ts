import type { Clock } from "@msdha/clock";
import type { GroupView } from "@msdha/group";
import type { Route } from "@msdha/haproxy-config";
import type { Log } from "@msdha/log";
import type { Routes } from "@msdha/status-port";
import type { ConnectionWait } from "./connection-wait.ts";
import { createMetrics, type Scrape } from "./metrics.ts";
import type { FrontendStatus } from "./status.ts";
import { statusRoutes } from "./status-routes.ts";
import { createWaitLog } from "./wait-log.ts";
import { countWithoutMaster } from "./without-master.ts";

/** What can be asked once the frontend runs. */
export interface StatusSources {
  readonly readStatus: () => Promise<FrontendStatus>;
  /** How many lines of its log HAProxy could not write; undefined while it can't be asked. */
  readonly readDroppedLogLines: () => Promise<number | undefined>;
}

/** Takes in what happens to the frontend, and answers for it. Changes nothing. */
export interface Observer extends Disposable {
  readonly routes: Routes;
  readStatus(): Promise<FrontendStatus>;
  /** From now on the status is read from these; until then reading it rejects. */
  started(sources: StatusSources): void;
  routed(route: Route): void;
  waited(wait: ConnectionWait): void;
  viewed(view: GroupView): void;
}

export function createObserver(
  group: string,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Observer {
  const metrics = createMetrics(group);
  const withoutMaster = countWithoutMaster(clock);
  const waitLog = createWaitLog(log, clock);
  let sources: StatusSources | undefined;
  let nodes: readonly string[] = [];

  async function readStatus(): Promise<FrontendStatus> {
    if (!sources) throw new Error("starting");
    return await sources.readStatus();
  }

  async function scrape(): Promise<Scrape> {
    const [status, droppedLogLines] = await Promise.all([readStatus(), sources?.readDroppedLogLines()]);
    return { status, nodes, withoutMasterMs: withoutMaster.totalMs, droppedLogLines };
  }

  return {
    routes: statusRoutes({ readStatus, scrape, metrics }),
    readStatus,
    started(found) {
      sources = found;
    },
    routed: (route) => withoutMaster.routed(route),
    waited(wait) {
      metrics.waited(wait);
      waitLog.waited(wait);
    },
    viewed(view) {
      nodes = [...view.nodes.keys()];
    },
    [Symbol.dispose]: () => waitLog[Symbol.dispose](),
  };
}
