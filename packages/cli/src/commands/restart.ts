import { type GroupView, mastership } from "@msdha/group";
import { CommandError, refuse } from "../command-error.ts";
import { confirmFirst } from "../confirm-first.ts";
import { type Context, openGroup } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatMeasured } from "../render/duration.ts";
import { plain } from "../render/plain.ts";
import { printSteps } from "../render/steps.ts";
import { schema } from "../render/to-json.ts";
import { listAbsent } from "../requests/describe-view.ts";
import { findOwnContainer } from "../requests/own-container.ts";
import { readView } from "../requests/read-view.ts";
import { refuseOldNodes } from "../requests/refuse-old-nodes.ts";
import { refuseUnknown } from "../requests/refuse-unknown.ts";
import { restartNodes, rollingOrder } from "../requests/restart-nodes.ts";
import type { GroupOptions } from "../settings.ts";

export interface RestartCommandOptions extends GroupOptions {
  readonly rolling?: boolean;
  readonly why?: string;
  readonly timeout: number;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Restarts one node, or all of them one after the other with the master last. */
export async function restart(
  context: Context,
  node: string | undefined,
  options: RestartCommandOptions,
): Promise<void> {
  if ((node === undefined) === (options.rolling !== true)) {
    throw new CommandError(exitCodes.usage, "expected either a node or --rolling; see msdha restart --help");
  }
  await using group = openGroup(context, options);
  const view = await readView(group);
  refuseOldNodes(view);
  if (node !== undefined && !view.nodes.has(node)) throw refuseUnknown(view, node);
  const order = node === undefined ? rollingOrder(view) : [node];
  refuseOwnContainer(context, order);
  const absent = node === undefined ? listAbsent(view) : [];
  await confirmFirst(context, describeRestart(view, order), options);
  const { restarted, move } = await restartNodes(context, group, order, {
    why: options.why ?? "",
    timeoutMs: options.timeout,
    onStep: printSteps(context.write, options),
  });
  if (options.json) {
    const moved = move
      ? { from: move.from, to: move.to, withoutMasterMs: move.withoutMasterMs ?? null }
      : null;
    context.write(`${JSON.stringify({ schema, group: group.group, restarted, moved, absent })}\n`);
    return;
  }
  if (move?.withoutMasterMs !== undefined)
    context.write(`${formatMeasured(move.withoutMasterMs)} without a master\n`);
  if (options.rolling) context.write(describeRestarted(restarted, absent));
}

/** A node that is not there can't be asked: it may come back with what the restart was to replace. */
export function describeRestarted(restarted: readonly string[], absent: readonly string[]): string {
  const list = (names: readonly string[]): string => names.map((name) => plain(name)).join(", ");
  const count = restarted.length === 1 ? "1 node has" : `${restarted.length} nodes have`;
  const lines = [`${count} restarted: ${list(restarted)}`];
  if (absent.length > 0) lines.push(`not there, so not restarted: ${list(absent)}`);
  return `${lines.join("\n")}\n`;
}

/** The question that is asked first. A master is not only restarted: it moves. */
function describeRestart(view: GroupView, order: readonly string[]): string {
  const question = `Restart ${order.map((name) => plain(name)).join(", then ")}?`;
  const master = mastership(view);
  if (master.kind !== "master" || !order.includes(master.name)) return question;
  return `${question} ${plain(master.name)} is the master: another node takes over, its sessions are cut, new ones wait.`;
}

/** A command that ends in the middle would leave the other nodes as they are. */
export function refuseOwnContainer({ environment }: Context, order: readonly string[]): void {
  const own = findOwnContainer(environment);
  if (own === undefined || !order.includes(own)) return;
  throw refuse(
    `this is the container of ${plain(own)}, which would end, and this command with it: run it on a frontend, or on another node`,
  );
}
