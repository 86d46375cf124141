import type { GroupView } from "@msdha/group";
import { mastership } from "@msdha/group";
import { CommandError, refuse } from "../command-error.ts";
import { type Context, type OpenGroup, openGroup } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatMeasured } from "../render/duration.ts";
import { plain } from "../render/plain.ts";
import { listReady } from "../requests/find-master.ts";
import { moveMaster } from "../requests/move-master.ts";
import { findOwnContainer } from "../requests/own-container.ts";
import { readView } from "../requests/read-view.ts";
import { refuseOldNodes } from "../requests/refuse-old-nodes.ts";
import { refuseUnknown } from "../requests/refuse-unknown.ts";
import { restartNode, waitUntilReady } from "../requests/restart-node.ts";
import type { GroupOptions } from "../settings.ts";

export interface RestartCommandOptions extends GroupOptions {
  readonly rolling?: boolean;
  readonly why?: string;
  readonly timeout: number;
  readonly yes?: boolean;
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
  await confirm(context, options, `Restart ${order.map((name) => plain(name)).join(", then ")}?`);
  for (const name of order) await restartOne(context, group, name, options);
  if (order.length > 1) context.write(`all ${order.length} nodes have restarted\n`);
}

/** Throws the data of a node away, as far as its hooks do, and lets it begin anew. */
export async function reinit(context: Context, node: string, options: RestartCommandOptions): Promise<void> {
  await using group = openGroup(context, options);
  const view = await readView(group);
  if (!view.nodes.has(node)) throw refuseUnknown(view, node);
  refuseOldNodes(view, { names: [node] });
  if (view.lock?.node === node) throw refuse(`${plain(node)} has the lock: its data are the group's`);
  if (mastership(view).kind !== "master")
    throw refuse("the group has no master now, so nobody to get data from");
  await confirm(
    context,
    options,
    `Let ${plain(node)} throw its data away and get them anew from the master?`,
  );
  await restartNode(context, group, node, {
    view,
    options: { kind: "reinit", why: options.why ?? "", timeoutMs: options.timeout, onStep: stepsOf(context) },
  });
}

/** A command that ends in the middle would leave the other nodes as they are. */
function refuseOwnContainer({ environment }: Context, order: readonly string[]): void {
  const own = findOwnContainer(environment);
  if (own === undefined || !order.includes(own)) return;
  throw refuse(
    `this is the container of ${plain(own)}, which would end, and this command with it: run it on a frontend, or on another node`,
  );
}

/** The slaves by name, the master last. Throws if any is not ready: what is not well is not made less. */
function rollingOrder(view: GroupView): readonly string[] {
  const master = mastership(view);
  if (master.kind !== "master") throw refuse("the group has no master now: nothing is restarted");
  const slaves = [...view.nodes.keys()].filter((name) => name !== master.name).sort();
  const unready = slaves.filter((name) => view.nodes.get(name)?.state !== "ready");
  if (unready.length > 0)
    throw refuse(`not ready: ${unready.map((name) => plain(name)).join(", ")}; nothing is restarted`);
  if (listReady(view, master.name).length === 0)
    throw refuse("no other node could take over from the master");
  return [...slaves, master.name];
}

async function restartOne(
  context: Context,
  group: OpenGroup,
  name: string,
  options: RestartCommandOptions,
): Promise<void> {
  const view = await readView(group);
  const onStep = stepsOf(context);
  const why = options.why ?? "";
  const master = mastership(view);
  if (master.kind !== "master" || master.name !== name) {
    await restartNode(context, group, name, {
      view,
      options: { kind: "restart", why, timeoutMs: options.timeout, onStep },
    });
    return;
  }
  const run = view.details.get(name)?.runId;
  const reason = why === "" ? "restart" : why;
  const move = await moveMaster(context, group, {
    to: undefined,
    why: reason,
    timeoutMs: options.timeout,
    onStep,
  });
  if (move.withoutMasterMs !== undefined)
    context.write(`${formatMeasured(move.withoutMasterMs)} without a master\n`);
  await waitUntilReady(context, group, { name, run: run ?? "", timeoutMs: options.timeout, onStep });
}

function stepsOf({ write }: Context): (text: string, atMs: number) => void {
  return (text, atMs) => write(`${`+${(atMs / 1_000).toFixed(3)} s`.padStart(10)}  ${text}\n`);
}

async function confirm(
  { confirm: ask }: Context,
  { yes }: RestartCommandOptions,
  question: string,
): Promise<void> {
  if (!yes && ask && !(await ask(question))) throw refuse("not confirmed: nothing was changed");
}
