import { systemClock } from "@msdha/clock";
import { type GroupView, newestToken } from "@msdha/group";
import { CommandError, refuse } from "../command-error.ts";
import type { Context, OpenGroup } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { plain } from "../render/plain.ts";
import { advancePromotion, type Promotion } from "./follow-promotion.ts";
import { refusePromotion } from "./refuse-promotion.ts";
import { takeBack } from "./take-back.ts";
import { type CommandFollower, followForCommand, nextView, untilView } from "./until-view.ts";
import { type Request, unchanged, writeRequest } from "./write-request.ts";

export interface PromoteNodeOptions {
  readonly node: string;
  readonly why: string;
  /** The last master's token when the operator confirmed: for a later one the order is not written. */
  readonly after: number;
  /** How long it may take until the node takes connections, in ms. */
  readonly timeoutMs: number;
  /** Called with each step as it happens. */
  readonly onStep: (text: string, atMs: number) => void;
}

/**
 * Orders a node to become the master though data may be lost, and follows what happens. Resolves with its token when it takes
 * connections. Rejects with a `CommandError` whose exit code says what is so. An order that the node has not accepted is withdrawn
 * before it is called refused.
 */
export async function promoteNode(
  context: Context,
  group: OpenGroup,
  options: PromoteNodeOptions,
): Promise<number> {
  using following = followForCommand(context, group);
  await untilView(following, options.timeoutMs);
  const { view } = following.follower;
  refusePromotion(view, options.node);
  const { request, promotion } = await writeOrder(group, view, options);
  return await follow(following, { request, promotion }, options);
}

async function writeOrder(
  group: OpenGroup,
  view: GroupView,
  { node, why, after, timeoutMs }: PromoteNodeOptions,
): Promise<{ readonly request: Request; readonly promotion: Promotion }> {
  const entry = view.nodes.get(node);
  const run = view.details.get(node)?.runId;
  const changed = "the group has just changed: look with msdha list, and order it again. Nothing was changed";
  if (!entry || run === undefined || newestToken(view.terms) !== after) throw refuse(changed);
  const request = await writeRequest(
    group,
    { kind: "promote", node },
    { why, run, token: after },
    {
      compare: [
        unchanged({ key: group.keys.node(node), modRevision: entry.modRevision }),
        { key: group.keys.ask("pause"), target: "create", is: "=", value: 0 },
      ],
      leaseSeconds: Math.ceil(timeoutMs / 1_000) + 5,
    },
  );
  if (!request) throw refuse(changed);
  return { request, promotion: { node, run, after, request: request.revision } };
}

async function follow(
  following: CommandFollower,
  { request, promotion }: { readonly request: Request; readonly promotion: Promotion },
  { node, timeoutMs, onStep }: PromoteNodeOptions,
): Promise<number> {
  const begun = systemClock.now();
  let progress = promotion;
  onStep(`${plain(node)} is ordered to become the master, whatever is lost`, 0);
  for (;;) {
    const { view } = following.follower;
    const now = systemClock.now();
    const before = progress;
    progress = advancePromotion(before, view, now);
    for (const [text, at] of listSteps(before, progress)) onStep(text, at - begun);
    if (progress.openAt !== undefined && progress.published) return await conclude(progress, request);
    const isAccepted = progress.acceptedAt !== undefined;
    if (progress.goneAt !== undefined) throw refuse("the order was taken away: nothing was changed");
    const leftMs = begun + timeoutMs - now;
    if (leftMs <= 0 || (progress.endedAt !== undefined && !isAccepted))
      throw await giveUp(progress, request, following);
    const what = "the promotion";
    await nextView(following, { since: view, leftMs, request, isAccepted, what });
  }
}

/** What was not accepted can be withdrawn, and then it is known that nothing happens. */
function giveUp(
  { node, endedAt, acceptedAt }: Promotion,
  request: Request,
  { isUp }: CommandFollower,
): Promise<CommandError> {
  const why =
    endedAt === undefined
      ? "did not become master despite the order: its log says why"
      : "ended before it could become the master";
  const state = isUp() ? "not done in time, and still" : "etcd does not answer, and the promotion is";
  return takeBack(request, {
    what: "the promotion",
    isAccepted: acceptedAt !== undefined,
    withdrawn: `${plain(node)} ${why}. The order is withdrawn, and nothing was changed`,
    underWay: `${state} under way: look with msdha list`,
  });
}

async function conclude({ node, published }: Promotion, request: Request): Promise<number> {
  if (published?.node === node) return published.token;
  const another = plain(published?.node ?? "another node");
  // Of no effect any more, as it is for the former master.
  await request.withdraw();
  throw new CommandError(
    exitCodes.changedOtherwise,
    `${another} is the master now, and not ${plain(node)}: ${plain(node)} was lost, has a lower rank, or its candidate hook said no: its log says which`,
  );
}

function listSteps(before: Promotion, after: Promotion): readonly (readonly [string, number])[] {
  const steps: (readonly [string, number])[] = [];
  const add = (was: unknown, at: number | undefined, text: string): void => {
    if (was === undefined && at !== undefined) steps.push([text, at]);
  };
  const master = plain(after.published?.node ?? "");
  if (after.published === undefined || after.published.node === after.node)
    add(before.acceptedAt, after.acceptedAt, `${plain(after.node)} has the lock, and accepts`);
  add(before.published, after.published?.at, `${master} is the master`);
  add(before.openAt, after.openAt, `${master} takes connections`);
  return steps;
}
