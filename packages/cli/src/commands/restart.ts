import { askName, type GroupView, mastership } from "@msdha/group";
import { CommandError, refuse } from "../command-error.ts";
import { confirmFirst } from "../confirm-first.ts";
import { type Context, type OpenGroup, openGroup } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatMeasured } from "../render/duration.ts";
import { plain } from "../render/plain.ts";
import { printSteps } from "../render/steps.ts";
import { schema } from "../render/to-json.ts";
import { listAbsent } from "../requests/describe-view.ts";
import { refuseWithoutMaster } from "../requests/find-master.ts";
import { findOwnContainer } from "../requests/own-container.ts";
import { readView } from "../requests/read-view.ts";
import { refuseOldNodes } from "../requests/refuse-old-nodes.ts";
import { refuseUnknown } from "../requests/refuse-unknown.ts";
import { restartNode } from "../requests/restart-node.ts";
import { restartNodes, rollingOrder } from "../requests/restart-nodes.ts";
import { removeRequest } from "../requests/write-request.ts";
import type { GroupOptions } from "../settings.ts";

export interface RestartCommandOptions extends GroupOptions {
  readonly rolling?: boolean;
  readonly why?: string;
  readonly timeout: number;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export interface ReinitOptions extends RestartCommandOptions {
  /** Takes the request back that was made before. */
  readonly cancel?: boolean;
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

/** Discards the data of a node, as far as its hooks do, and has it copy them again. */
export async function reinit(context: Context, node: string, options: ReinitOptions): Promise<void> {
  await using group = openGroup(context, options);
  const view = await readView(group);
  if (options.cancel) {
    await cancelReinit(context, group, { node, view, json: options.json });
    return;
  }
  if (!view.nodes.has(node)) throw refuseUnknown(view, node);
  refuseOldNodes(view, { names: [node] });
  if (view.lock?.node === node) throw refuse(`${plain(node)} has the lock: its data are the group's`);
  if (mastership(view).kind !== "master") throw refuseWithoutMaster(view);
  refuseOwnContainer(context, [node]);
  const question = `Restart ${plain(node)}, discard its data and copy it again from the master?`;
  await confirmFirst(context, question, options);
  const onStep = printSteps(context.write, options);
  await restartNode(context, group, node, {
    view,
    options: { kind: "reinit", why: options.why ?? "", timeoutMs: options.timeout, onStep },
  });
  if (options.json)
    context.write(`${JSON.stringify({ schema, group: group.group, node, withdrawn: false })}\n`);
}

/** Takes back what a node that has not come again would do, or that a command asked for and did not wait for. */
async function cancelReinit(
  { write }: Context,
  group: OpenGroup,
  {
    node,
    view,
    json,
  }: { readonly node: string; readonly view: GroupView; readonly json?: boolean | undefined },
): Promise<void> {
  const ask = view.asks.get(askName("reinit", node));
  if (!ask) throw refuse(`no reinit of ${plain(JSON.stringify(node))} is asked for`);
  if (!(await removeRequest(group, { kind: "reinit", node, revision: ask.revision })))
    throw refuse(`the reinit of ${plain(node)} has just changed: look with msdha list`);
  if (json) {
    write(`${JSON.stringify({ schema, group: group.group, node, withdrawn: true })}\n`);
    return;
  }
  const begun = view.nodes.has(node) ? "; its present run may have discarded data already: see its log" : "";
  write(`the reinit of ${plain(node)} is taken back${begun}\n`);
}

/** The question that is asked first. A master is not only restarted: it moves. */
function describeRestart(view: GroupView, order: readonly string[]): string {
  const question = `Restart ${order.map((name) => plain(name)).join(", then ")}?`;
  const master = mastership(view);
  if (master.kind !== "master" || !order.includes(master.name)) return question;
  return `${question} ${plain(master.name)} is the master: another node takes over, its sessions are cut, new ones wait.`;
}

/** A command that ends in the middle would leave the other nodes as they are. */
function refuseOwnContainer({ environment }: Context, order: readonly string[]): void {
  const own = findOwnContainer(environment);
  if (own === undefined || !order.includes(own)) return;
  throw refuse(
    `this is the container of ${plain(own)}, which would end, and this command with it: run it on a frontend, or on another node`,
  );
}
