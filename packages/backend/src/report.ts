import { hasCode } from "@msdha/app";
import { timing } from "@msdha/etcd-lease";
import { type NodeReport, publishReport, readReportLine } from "@msdha/group";
import type { HookFailedError, HookNotRunnableError } from "@msdha/hook-runner";
import { hookEnvironment } from "./hook-context.ts";
import type { Node } from "./node.ts";

/** How long a publication may take. Nothing waits for it but the next run of the hook. */
const CALL_MS = 5_000;

/**
 * Runs the `report` hook every MSDHA_REPORT_INTERVAL until the node ends, if there is one, and publishes what it says when that
 * has changed, no more often than the lease is renewed. Pauses between taking the lock and being the master. A hook that
 * fails, or takes longer than the interval, ends nothing: how far the node is behind is not known then. Returns at once.
 */
export function followReport(node: Node): void {
  void follow(node).catch((error: unknown) => {
    if (!node.end.begun.aborted)
      node.log.error({ err: error }, "the report hook is not run any more: BEHIND stays unknown");
  });
}

async function follow(node: Node): Promise<void> {
  const { clock, config, end, hooks, latestReport, lease } = node;
  if ((await hooks.find("report")) === undefined) return;
  const ask = createReportHook(node);
  const publishEveryMs = lease.ttlMs / timing.proofsPerTtl;
  let published: string | undefined;
  let publishedAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    const began = clock.now();
    if (!isBecomingMaster(node)) {
      const report = await ask();
      latestReport.note(report, began);
      const text = JSON.stringify(report);
      if (text !== published && clock.now() - publishedAt >= publishEveryMs && !isBecomingMaster(node)) {
        publishedAt = clock.now();
        if (await publish(node, report)) published = text;
      }
    }
    await clock.sleep(Math.max(began + config.reportIntervalMs - clock.now(), 0), { signal: end.begun });
  }
}

/** Nothing takes time from the steps of a promotion. */
function isBecomingMaster({ role }: Pick<Node, "role">): boolean {
  return role.kind === "waiting" || role.kind === "settled";
}

/** Returns what runs the hook once, and resolves with what it says. A failure is logged once, and when its reason changes. */
function createReportHook(node: Node): () => Promise<NodeReport | undefined> {
  const { config, end, follower, hooks, log, membership } = node;
  const timeoutMs = Math.min(config.reportIntervalMs, config.hookTimeoutMs);
  let failure: string | undefined;

  function fail(why: string): undefined {
    if (why !== failure) log.warn(`how far the node is behind is not known: ${why}`);
    failure = why;
  }

  return async () => {
    let last: string | undefined;
    const env = hookEnvironment(node.baseEnvironment, {
      hook: "report",
      state: membership.state,
      view: follower.view,
    });
    const onStdout = (line: string): void => {
      last = line;
    };
    try {
      await hooks.run("report", { env, timeoutMs, signal: end.begun, onStdout });
    } catch (error) {
      if (hasCode<HookFailedError>(error, "ERR_HOOK_FAILED")) return fail(error.message);
      if (hasCode<HookNotRunnableError>(error, "ERR_HOOK_NOT_RUNNABLE")) return fail(error.message);
      throw error;
    }
    node.permission.check(); // of what it left running
    const report = last === undefined ? undefined : readReportLine(last);
    if (!report)
      return fail(
        `the last line of hook report: expected a number of bytes or -, and a note, got ${quote(last)}`,
      );
    if (failure !== undefined) log.info("how far the node is behind is known again");
    failure = undefined;
    return report;
  };
}

/** Resolves with whether etcd has stored it. One that could not be stored is tried again with the next run. */
async function publish(node: Node, report: NodeReport | undefined): Promise<boolean> {
  const { end, etcd, follower, lease, membership } = node;
  const owner = { name: membership.name, lease: lease.id };
  const options = { timeoutMs: CALL_MS, signal: end.begun };
  try {
    await publishReport(etcd, follower.view.keys, owner, report, options);
    return true;
  } catch {
    end.begun.throwIfAborted();
    return false;
  }
}

const LONGEST_QUOTE = 100;

function quote(line: string | undefined): string {
  return line === undefined ? "nothing" : JSON.stringify(line.slice(0, LONGEST_QUOTE));
}
