import { type GroupView, listPossibleLosses, newestToken, type PossibleLoss } from "@msdha/group";
import { CommandError } from "../command-error.ts";
import { confirmFirst } from "../confirm-first.ts";
import { type Context, openGroup } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatBytes } from "../render/bytes.ts";
import { plain } from "../render/plain.ts";
import { printSteps } from "../render/steps.ts";
import { schema } from "../render/to-json.ts";
import { promoteNode } from "../requests/promote-node.ts";
import { readView } from "../requests/read-view.ts";
import { refusePromotion } from "../requests/refuse-promotion.ts";
import type { GroupOptions } from "../settings.ts";

export interface PromoteOptions extends GroupOptions {
  readonly acceptLoss?: boolean;
  readonly why?: string;
  readonly timeout: number;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Makes a node the master though data may be lost, once the operator has seen whose and has confirmed it. */
export async function promote(context: Context, node: string, options: PromoteOptions): Promise<void> {
  if (!options.acceptLoss) {
    throw new CommandError(
      exitCodes.usage,
      "expected --accept-loss: a node that can be promoted without a loss is promoted by itself; see msdha promote --help",
    );
  }
  await using group = openGroup(context, options);
  const view = await readView(group);
  refusePromotion(view, node);
  const losses = listPossibleLosses(view, {
    self: node,
    masterStopped: view.handoverNote?.masterStopped === true,
  });
  if (!options.json) context.write(describeLosses(view, node, losses));
  await confirmFirst(context, `Promote ${plain(node)}, and lose that?`, options);
  const token = await promoteNode(context, group, {
    node,
    why: options.why ?? "",
    after: newestToken(view.terms),
    timeoutMs: options.timeout,
    onStep: printSteps(context.write, options),
  });
  if (options.json)
    context.write(
      `${JSON.stringify({ schema, group: group.group, master: node, token, mayHaveLost: losses })}\n`,
    );
  else context.write(`${plain(node)} is the master (token ${token})\n`);
}

/** What may be lost, by what the group says of its last master and of the nodes that took part in elections. */
function describeLosses({ reports }: GroupView, node: string, losses: readonly PossibleLoss[]): string {
  const lines = losses.map(({ of, why }) => `  data that only ${plain(of)} holds (${plain(why)})`);
  const behind = reports.get(node)?.behind;
  if (behind !== undefined && behind > 0)
    lines.push(`  ${formatBytes(behind)} that the last master had when ${plain(node)} last said so`);
  if (lines.length === 0)
    lines.push(`  not known: the candidate hook of ${plain(node)} says no, and its log says why`);
  return `Promoting ${plain(node)} may lose, for good:\n${lines.join("\n")}\n`;
}
