import { systemClock } from "@msdha/clock";
import { type GroupView, mastership } from "@msdha/group";
import { asCommandError, CommandError, refuse } from "../command-error.ts";
import type { Context, OpenGroup } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { plain } from "../render/plain.ts";
import { findMaster, refuseMove } from "./find-master.ts";
import { type Move, moveMaster } from "./move-master.ts";
import { readView } from "./read-view.ts";
import { type RestartOptions, restartNode, waitUntilReady } from "./restart-node.ts";

/** What came of a restart of some nodes. */
export interface Restarts {
  readonly restarted: readonly string[];
  /** The switchover that spared the group the master's restart; undefined: none was needed. */
  readonly move: Move | undefined;
}

/**
 * Returns the order of a rolling restart: the slaves by name, the master last. Throws if not all of it can be done now: a node that is
 * not ready, a group that can't move its master.
 */
export function rollingOrder(view: GroupView): readonly string[] {
  const master = findMaster(view);
  const slaves = [...view.nodes.keys()].filter((name) => name !== master.name).sort();
  const unready = slaves.filter((name) => view.nodes.get(name)?.state !== "ready");
  if (unready.length > 0) throw refuse(`not ready: ${listNames(unready)}; nothing is restarted`);
  refuseMove(view, master, undefined);
  return [...slaves, master.name];
}

/**
 * Restarts nodes one after the other, each when the one before is ready again; a master by a switchover. Stops at the first that does
 * not come back. Rejects with a `CommandError` that names the nodes that have restarted and those that have not.
 */
export async function restartNodes(
  context: Context,
  group: OpenGroup,
  order: readonly string[],
  options: Omit<RestartOptions, "kind">,
): Promise<Restarts> {
  const begun = systemClock.now();
  // Every step is dated from the begin of the whole, not from that of its part.
  const startPart = (): RestartOptions["onStep"] => {
    const before = systemClock.now() - begun;
    return (text, atMs) => options.onStep(text, before + atMs);
  };
  let restarted: readonly string[] = [];
  let move: Move | undefined;
  for (const name of order) {
    try {
      move = (await restartOne(context, group, name, { ...options, startPart })) ?? move;
    } catch (error) {
      throw order.length === 1 ? error : stoppedAt(name, { order, restarted, error });
    }
    restarted = [...restarted, name];
  }
  return { restarted, move };
}

interface PartOptions {
  /** Returns what the next part calls with its steps. */
  readonly startPart: () => RestartOptions["onStep"];
}

/** Resolves with the switchover if it was the master. */
async function restartOne(
  context: Context,
  group: OpenGroup,
  name: string,
  { why, timeoutMs, startPart }: Pick<RestartOptions, "why" | "timeoutMs"> & PartOptions,
): Promise<Move | undefined> {
  const view = await readView(group);
  const master = mastership(view);
  if (master.kind !== "master" || master.name !== name) {
    const options: RestartOptions = { kind: "restart", why, timeoutMs, onStep: startPart() };
    await restartNode(context, group, name, { view, options });
    return undefined;
  }
  const run = view.details.get(name)?.runId ?? "";
  const reason = why === "" ? "restart" : why;
  const move = await moveMaster(context, group, {
    from: master,
    to: undefined,
    why: reason,
    timeoutMs,
    onStep: startPart(),
  });
  await waitUntilReady(context, group, { name, run, timeoutMs, onStep: startPart() });
  return move;
}

/** The error of a rolling restart that could not go on. What is restarted already has changed. */
function stoppedAt(
  name: string,
  {
    order,
    restarted,
    error,
  }: { readonly order: readonly string[]; readonly restarted: readonly string[]; readonly error: unknown },
): CommandError {
  const { exitCode, message } = asCommandError(error);
  const isUnknown = exitCode === exitCodes.unknown && error instanceof CommandError;
  if (restarted.length === 0 && !isUnknown) return asCommandError(error);
  const left = order.slice(order.indexOf(name) + 1);
  const parts = [
    `restarted: ${listNames(restarted)}`,
    ...(isUnknown ? [`asked, and not ready again: ${plain(name)}`] : []),
    `not restarted: ${listNames(isUnknown ? left : [name, ...left])}`,
  ];
  const text = `stopped at ${plain(name)}: ${message}\n${parts.join("; ")}`;
  return new CommandError(isUnknown ? exitCodes.unknown : exitCodes.changedOtherwise, text, { cause: error });
}

function listNames(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.map((name) => plain(name)).join(", ");
}
