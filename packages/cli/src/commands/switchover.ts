import { confirmFirst } from "../confirm-first.ts";
import { type Context, openGroup } from "../context.ts";
import { formatMeasured } from "../render/duration.ts";
import { plain } from "../render/plain.ts";
import { printSteps } from "../render/steps.ts";
import { schema } from "../render/to-json.ts";
import { findMaster, refuseMove } from "../requests/find-master.ts";
import { moveMaster } from "../requests/move-master.ts";
import { findOwnContainer } from "../requests/own-container.ts";
import { readView } from "../requests/read-view.ts";
import { waitFirst } from "../requests/wait-first.ts";
import type { GroupOptions } from "../settings.ts";

export interface SwitchoverOptions extends GroupOptions {
  readonly why?: string;
  /** In ms. Default: at once. */
  readonly after?: number;
  readonly timeout: number;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Moves the master to another node, and shows each step with its time. */
export async function switchover(
  context: Context,
  to: string | undefined,
  options: SwitchoverOptions,
): Promise<void> {
  await using group = openGroup(context, options);
  const view = await readView(group);
  const master = findMaster(view);
  refuseMove(view, master, to);
  const where = to === undefined ? "a node that the group chooses" : plain(to);
  if (findOwnContainer(context.environment) === master.name) {
    context.writeNote(
      `note: this container ends with ${plain(master.name)}, and this command with it; run it on a frontend to see the outcome\n`,
    );
  }
  const question = `Move the master from ${plain(master.name)} to ${where}? Its sessions are cut, new ones wait.`;
  await confirmFirst(context, question, options);
  if (options.after !== undefined) await waitFirst(context, options.after);
  const move = await moveMaster(context, group, {
    from: master,
    to,
    why: options.why ?? "",
    timeoutMs: options.timeout,
    onStep: printSteps(context.write, options),
  });
  if (options.json) {
    const { from, token, withoutMasterMs = null } = move;
    context.write(
      `${JSON.stringify({ schema, group: group.group, from, to: move.to, token, withoutMasterMs })}\n`,
    );
  } else {
    const gap = move.withoutMasterMs === undefined ? "an unknown time" : formatMeasured(move.withoutMasterMs);
    context.write(`${plain(move.to)} is the master (token ${move.token}): ${gap} without a master\n`);
  }
}
