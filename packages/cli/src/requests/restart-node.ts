import { systemClock } from "@msdha/clock";
import { askName, type GroupView } from "@msdha/group";
import { CommandError, refuse } from "../command-error.ts";
import type { Context, OpenGroup } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { plain } from "../render/plain.ts";
import { takeBack } from "./take-back.ts";
import { type CommandFollower, followForCommand, nextView } from "./until-view.ts";
import { nameOf, type Request, unchanged, writeRequest } from "./write-request.ts";

export interface RestartOptions {
  /** `reinit`: its next run begins with new data. */
  readonly kind: "restart" | "reinit";
  readonly why: string;
  /** How long it may take until the node is ready again, in ms. */
  readonly timeoutMs: number;
  readonly onStep: (text: string, atMs: number) => void;
}

/** How long the node has to accept the request. */
const ACCEPT_MS = 10_000;

/**
 * Asks a node that is not the master to end and begin anew. Resolves when a later run of it is ready. Rejects with a
 * `CommandError`: refused and nothing changed, or not ready in time. Its container, or its service manager, has to start
 * it again.
 */
export async function restartNode(
  context: Context,
  group: OpenGroup,
  name: string,
  { view, options }: { readonly view: GroupView; readonly options: RestartOptions },
): Promise<void> {
  const { kind, why, timeoutMs } = options;
  const run = view.details.get(name)?.runId;
  const node = view.nodes.get(name);
  if (run === undefined || !node) throw refuse(`${plain(name)} has just gone: nothing was changed`);
  const present = view.asks.get(askName(kind, name));
  const request = await writeRequest(
    group,
    { kind, node: name },
    { why, run },
    {
      // A run that was killed left its request. New data are still to be had then.
      stale: kind === "restart" && present?.run !== run ? present : undefined,
      compare: [unchanged({ key: group.keys.node(name), modRevision: node.modRevision })],
      // What a later run has to find stays until that run has found it.
      ...(kind === "restart" && { leaseSeconds: Math.ceil(timeoutMs / 1_000) + 5 }),
    },
  );
  if (!request) throw refuse(`${plain(name)} has just changed, or is asked already: nothing was changed`);
  await untilReadyAgain(context, group, { name, run, request, options });
}

/** Resolves when a later run of a node that has ended is ready. Rejects with a `CommandError` when that takes too long. */
export async function waitUntilReady(
  context: Context,
  group: OpenGroup,
  {
    name,
    run,
    timeoutMs,
    onStep,
  }: { readonly name: string; readonly run: string } & Pick<RestartOptions, "timeoutMs" | "onStep">,
): Promise<void> {
  const options: RestartOptions = { kind: "restart", why: "", timeoutMs, onStep };
  await untilReadyAgain(context, group, { name, run, request: undefined, options });
}

interface Restart {
  readonly name: string;
  readonly run: string;
  /** undefined: it has ended for another reason. */
  readonly request: Request | undefined;
  readonly options: RestartOptions;
}

async function untilReadyAgain(context: Context, group: OpenGroup, restart: Restart): Promise<void> {
  const { name, run, request, options } = restart;
  const { kind, timeoutMs, onStep } = options;
  using following = followForCommand(context, group);
  const begun = systemClock.now();
  let stage: Stage = request ? "asked" : "accepted";
  let returns = 0;
  if (request)
    onStep(`${plain(name)} is asked to restart${kind === "reinit" ? " and reload its data" : ""}`, 0);
  for (;;) {
    const { view } = following.follower;
    const now = systemClock.now();
    const next: Stage =
      view.revision < (request?.revision ?? 1) ? stage : stageOf(view, { name, run, kind }, stage);
    if (next !== stage && next !== "refused") onStep(`${plain(name)} ${TEXTS[next]}`, now - begun);
    if (next === "back" && stage !== "back") returns += 1;
    stage = next;
    if (stage === "refused") throw refuse(`${plain(name)} refused: its log says why. Nothing was changed`);
    if (stage === "ready") return;
    const leftMs = begun + (stage === "asked" ? Math.min(ACCEPT_MS, timeoutMs) : timeoutMs) - now;
    if (leftMs <= 0) throw await giveUp(restart, { stage, returns }, following);
    const isAccepted = stage !== "asked";
    await nextView(following, { since: view, leftMs, request, isAccepted, what: nameOf(kind, name) });
  }
}

/** The command's time is over. */
async function giveUp(
  { name, request, options }: Restart,
  { stage, returns }: { readonly stage: Stage; readonly returns: number },
  { isUp }: CommandFollower,
): Promise<CommandError> {
  const state = isUp() ? describeUnready(name, returns) : "and etcd does not answer any more";
  const undo = options.kind === "reinit" ? `, and msdha reinit ${plain(name)} --cancel takes it back` : "";
  const underWay = `${plain(name)} ${TEXTS[stage]}, ${state}; look with msdha list${undo}`;
  if (!request) return new CommandError(exitCodes.unknown, underWay);
  return await takeBack(request, {
    what: nameOf(options.kind, name),
    isAccepted: stage !== "asked",
    withdrawn: `${plain(name)} did not react: the request is withdrawn, and nothing was changed`,
    underWay,
  });
}

/** One that comes back and leaves again and again has a reason of its own, which only its log has. */
export function describeUnready(name: string, returns: number): string {
  const late = "and is not ready in time";
  return returns < 2
    ? late
    : `${late}: it came back ${returns} times, and the log of ${plain(name)} says why it left`;
}

/** How far a restart has come. */
export type Stage = "asked" | "refused" | "accepted" | "gone" | "back" | "ready";

const TEXTS: Readonly<Record<Stage, string>> = {
  asked: "is asked",
  refused: "refuses",
  accepted: "accepts",
  gone: "has left the group",
  back: "is back",
  ready: "is ready",
};

/** Returns how far a restart has come in a view that is newer than its request. */
export function stageOf(
  view: GroupView,
  { name, run, kind }: { readonly name: string; readonly run: string; readonly kind: "restart" | "reinit" },
  before: Stage,
): Stage {
  const node = view.nodes.get(name);
  const present = view.details.get(name)?.runId;
  if (node && present !== undefined && present !== run) return node.state === "ready" ? "ready" : "back";
  if (!node) return "gone";
  if (before !== "asked") return before;
  const ask = view.asks.get(askName(kind, name));
  if (!ask) return "refused";
  return ask.accepted ? "accepted" : "asked";
}
