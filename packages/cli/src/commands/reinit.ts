import { askName, type GroupView, mastership } from "@msdha/group";
import { refuse } from "../command-error.ts";
import { confirmFirst } from "../confirm-first.ts";
import { type Context, type OpenGroup, openGroup } from "../context.ts";
import { plain } from "../render/plain.ts";
import { printSteps } from "../render/steps.ts";
import { schema } from "../render/to-json.ts";
import { listAbsent } from "../requests/describe-view.ts";
import { refuseWithoutMaster } from "../requests/find-master.ts";
import { readView } from "../requests/read-view.ts";
import { refuseOldNodes } from "../requests/refuse-old-nodes.ts";
import { refuseUnknown } from "../requests/refuse-unknown.ts";
import { restartNode } from "../requests/restart-node.ts";
import { removeRequest, writeRequest } from "../requests/write-request.ts";
import { type RestartCommandOptions, refuseOwnContainer } from "./restart.ts";

export interface ReinitOptions extends RestartCommandOptions {
  /** Takes the request back that was made before. */
  readonly cancel?: boolean;
}

/** No run has this id: the next one of the node finds the request, and is not the one that it ends. */
const ANY_RUN = "";

/** Discards the data of a node, as far as its hooks do, and has it copy them again. */
export async function reinit(context: Context, node: string, options: ReinitOptions): Promise<void> {
  await using group = openGroup(context, options);
  const view = await readView(group);
  if (options.cancel) {
    await cancelReinit(context, group, { node, view, json: options.json });
    return;
  }
  if (!view.nodes.has(node)) {
    await reinitAbsent(context, group, { node, view, options });
    return;
  }
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
  if (options.json) context.write(formatResult(group, node, { withdrawn: false, pending: false }));
}

/**
 * Asks a node that is not there. One whose data keep it from starting is hardly ever there: it ends before it could be asked. Does not
 * wait: only an operator knows when it comes.
 */
async function reinitAbsent(
  context: Context,
  group: OpenGroup,
  {
    node,
    view,
    options,
  }: { readonly node: string; readonly view: GroupView; readonly options: ReinitOptions },
): Promise<void> {
  if (!listAbsent(view).includes(node)) throw refuseUnknown(view, node);
  const name = plain(node);
  refuseOldNodes(view);
  const cancel = `msdha reinit ${name} --cancel takes that back`;
  if (view.asks.has(askName("reinit", node)))
    throw refuse(`${name} begins with new data already when it comes; ${cancel}`);
  const master = mastership(view);
  if (master.kind !== "master") throw refuseWithoutMaster(view);
  const question = `${name} is not here. Discard its data when it comes, and copy it again from the master?`;
  await confirmFirst(context, question, options);
  const request = await writeRequest(
    group,
    { kind: "reinit", node },
    { why: options.why ?? "", run: ANY_RUN },
    {
      compare: [
        { key: group.keys.node(node), target: "create", is: "=", value: 0 },
        { key: group.keys.lock, target: "create", is: "=", value: master.token },
      ],
    },
  );
  if (!request) throw refuse(`${name} has just come, or the master has changed: nothing was changed`);
  if (options.json) context.write(formatResult(group, node, { withdrawn: false, pending: true }));
  else context.write(`${name} begins with new data when it comes; ${cancel}\n`);
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
    write(formatResult(group, node, { withdrawn: true, pending: false }));
    return;
  }
  const begun = view.nodes.has(node) ? "; its present run may have discarded data already: see its log" : "";
  write(`the reinit of ${plain(node)} is taken back${begun}\n`);
}

/** What became of it, for `--json`. */
function formatResult(
  { group }: OpenGroup,
  node: string,
  result: { readonly withdrawn: boolean; readonly pending: boolean },
): string {
  return `${JSON.stringify({ schema, group, node, ...result })}\n`;
}
