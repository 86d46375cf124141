import type { GroupNode } from "./backend-command.ts";
import type { HookContext } from "./context.ts";
import { readControlFile } from "./control-file.ts";
import { fail } from "./failure.ts";
import { branchesOfTimeline } from "./history.ts";
import { publishFinalPosition } from "./little-lag.ts";
import { parseLsn } from "./lsn.ts";
import { behindOf, describeBehind, type LogEnd } from "./stop-progress.ts";

const LONGEST_MS = 2_000;
const LOOK_MS = 10;
const PUBLISH_AFTER_MS = 200;

/**
 * Resolves when the next master may begin at once after a planned stop: the shutdown was clean, and a ready standby has received
 * everything, for which it waits for `longestMs` (default: 2 s). Rejects with a `HookFailure` that says why not. The server has to be gone.
 */
export async function checkEnd(
  context: HookContext,
  { longestMs = LONGEST_MS }: { readonly longestMs?: number } = {},
): Promise<void> {
  const { settings } = context;
  const control = await readControlFile(context);
  const state = control.get("Database cluster state");
  if (state !== "shut down") fail(`not a clean shutdown (${state}): no hand-over`);
  // The last record is the checkpoint of the shutdown: a standby whose log goes past its beginning has it.
  const checkpoint = parseLsn(control.get("Latest checkpoint location") ?? "");
  const nodes = readNodes(context);
  const others = nodes?.filter(({ name }) => name !== settings.name) ?? [];
  const timeline = Number(control.get("Latest checkpoint's TimeLineID"));
  const end = { bytes: checkpoint + 1n, timeline, branches: branchesOfTimeline(context, timeline) };
  // The hand-over waits for no standby. A node that lacks log could take over.
  if (settings.handover === "clean" || others.length === 0) {
    await publish(context, end, context.signal, 0);
    if (nodes || settings.handover === "clean") return;
    fail(
      "the group's nodes could not be read when the stop began, so what they have is not known: no hand-over",
    );
  }
  const ready = others.filter(({ state: theirs }) => theirs === "ready");
  using over = new DisposableStack();
  const enough = new AbortController();
  over.defer(() => enough.abort());
  const published = publish(context, end, enough.signal, PUBLISH_AFTER_MS);
  const until = context.clock.now() + longestMs;
  const received = await Promise.any(
    ready.map(async ({ address }) => {
      if (!(await hasReceived(context, address, end, until))) throw new Error(address);
    }),
  ).then(
    () => true,
    () => false,
  );
  if (received) return;
  await published;
  const behind = (await Promise.all(others.map((node) => behindOf(context, node, end)))).filter(
    (one) => one !== undefined,
  );
  const lost = behind.length > 0 ? `; ${describeBehind(behind)}` : "";
  fail(`no ready standby has received everything: no hand-over (MSDHA_PG_HANDOVER)${lost}`);
}

/** The group's nodes when the stop began, without those that are never promoted. */
export function nodesFile({ settings }: Pick<HookContext, "settings">): string {
  return `${settings.home}/nodes`;
}

/** Returns the nodes that `pre_stop` has found; undefined where it could not find them. */
function readNodes(context: HookContext): readonly GroupNode[] | undefined {
  const text = context.files.read(nodesFile(context));
  return text === undefined ? undefined : (JSON.parse(text) as readonly GroupNode[]);
}

/**
 * Where commits did not wait for a standby: tells the group how far this node is, so that no node becomes the master that lacks more than
 * it may. Not needed for the next master that has everything, and so begins after a moment.
 */
async function publish(
  context: HookContext,
  end: LogEnd & { readonly timeline: number },
  signal: AbortSignal,
  afterMs: number,
): Promise<void> {
  if (context.settings.sync === "strict") return;
  await context.clock.sleep(afterMs, { signal }).catch(() => {});
  if (!signal.aborted) await publishFinalPosition(context, end, signal);
}

async function hasReceived(
  context: HookContext,
  address: string,
  end: LogEnd,
  until: number,
): Promise<boolean> {
  while (context.clock.now() < until) {
    const behind = await behindOf(context, { name: address, address }, end);
    if (behind?.bytes === 0) return true;
    await context.sleep(LOOK_MS);
  }
  return false;
}
