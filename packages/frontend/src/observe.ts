import type { Clock } from "@msdha/clock";
import {
  type Ask,
  createGroupView,
  describeGroup,
  findAbsentHolds,
  type GroupStatus,
  type GroupView,
  isOver,
  type LocalView,
} from "@msdha/group";
import type { Log } from "@msdha/log";
import type { PageState } from "@msdha/status-page";
import type { Routes } from "@msdha/status-port";
import { createMetrics, type Scrape } from "./metrics.ts";
import { createPageFeed } from "./page-feed.ts";
import { pageState } from "./page-state.ts";
import { type ConnectionWait, masterOf, type Route } from "./proxy.ts";
import type { FrontendStatus } from "./status.ts";
import { statusRoutes } from "./status-routes.ts";
import { createWaitLog } from "./wait-log.ts";
import { countWithoutMaster } from "./without-master.ts";

/** Where connections go, and how much of that etcd confirms. */
export interface RouteFacts {
  readonly route: Route;
  /** Whether the watch on the group is open. */
  readonly following: boolean;
  /** Whether a quorum of etcd confirms the master. */
  readonly proven: boolean;
}

/** What can be asked once the frontend runs. */
export interface StatusSources {
  readonly readStatus: () => Promise<FrontendStatus>;
  /** How many lines of its log the proxy could not write; undefined while it can't be asked. */
  readonly readDroppedLogLines: () => Promise<number | undefined>;
  readonly readRoute: () => RouteFacts;
  /** When the newest read that a quorum of etcd has answered was sent; undefined before the first. */
  readonly readAt: () => number | undefined;
}

/** Takes in what happens to the frontend, and answers for it. Changes nothing. */
export interface Observer extends Disposable {
  readonly routes: Routes;
  readStatus(): Promise<FrontendStatus>;
  /** From now on the status is read from these; until then reading it rejects. */
  started(sources: StatusSources): void;
  /** Takes the route that connections take from now on. */
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
  let sources: StatusSources | undefined;
  let view = createGroupView(group);
  let route: Route = { kind: "none" };

  async function readStatus(): Promise<FrontendStatus> {
    if (!sources) throw new Error("starting");
    return await sources.readStatus();
  }

  async function scrape(): Promise<Scrape> {
    const [status, droppedLogLines] = await Promise.all([readStatus(), sources?.readDroppedLogLines()]);
    const nodes = [...view.nodes.keys()];
    const { paused, heldNodes } = countRequests(describeGroup(view), Date.now());
    return { status, nodes, withoutMasterMs: withoutMaster.totalMs, paused, heldNodes, droppedLogLines };
  }

  function readKnown(): LocalView {
    const readAt = sources?.readAt();
    const ageMs = readAt === undefined ? undefined : Math.round(clock.now() - readAt);
    return { group, by: "the frontend", ageMs, status: describeGroup(view) };
  }

  const readState = (): PageState | undefined =>
    sources &&
    pageState({
      ...sources.readRoute(),
      group,
      now: Date.now(),
      status: describeGroup(view),
      absentHolds: findAbsentHolds(view),
    });

  using stack = new DisposableStack();
  const waitLog = stack.use(createWaitLog(log, clock));
  const feed = stack.use(
    createPageFeed({ readState, readTraffic: async () => (await readStatus()).traffic }),
  );
  feed.happened({ kind: "route", at: Date.now(), route: "none", master: "", cut: false });
  const kept = stack.move();
  return {
    routes: statusRoutes({ readStatus, readKnown, scrape, metrics, feed }),
    readStatus,
    started(found) {
      sources = found;
    },
    routed(next) {
      withoutMaster.routed(next);
      const at = Date.now();
      const master = masterOf(next)?.name ?? "";
      feed.happened({ kind: "route", at, route: next.kind, master, cut: cutsSessions(route, next) });
      route = next;
    },
    waited(wait) {
      metrics.waited(wait);
      waitLog.waited(wait);
      const { ageMs, waitedMs, outcome } = wait;
      feed.happened({ kind: "wait", at: Date.now() - ageMs, waitedMs, outcome });
    },
    viewed(next) {
      view = next;
      feed.viewed(next);
    },
    [Symbol.dispose]: () => kept.dispose(),
  };
}

function countRequests(
  { pause, nodes }: GroupStatus,
  now: number,
): { readonly paused: boolean; readonly heldNodes: number } {
  const inForce = (ask: Ask | undefined): boolean => ask !== undefined && !isOver(ask, now);
  return { paused: inForce(pause), heldNodes: nodes.filter(({ hold }) => inForce(hold)).length };
}

/** Whether sessions of the route before do not go on with the next one. */
function cutsSessions(before: Route, next: Route): boolean {
  if (before.kind === "none") return false;
  return next.kind === "none" || next.token !== before.token;
}
