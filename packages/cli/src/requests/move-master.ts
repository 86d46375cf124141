import { systemClock } from "@msdha/clock";
import { askName, type GroupFollower, mastership } from "@msdha/group";
import { CommandError, refuse } from "../command-error.ts";
import type { Context, OpenGroup } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatMeasured } from "../render/duration.ts";
import { plain } from "../render/plain.ts";
import { findMaster, type PresentMaster, refuseMove } from "./find-master.ts";
import { advance, type Progress, withoutMasterMs } from "./follow-switchover.ts";
import { refuseOldNodes } from "./refuse-old-nodes.ts";
import { takeBack } from "./take-back.ts";
import { type CommandFollower, followForCommand, nextView, untilView } from "./until-view.ts";
import { type Request, unchanged, writeRequest } from "./write-request.ts";

export interface MoveOptions {
  /** The master that should hand over: when another one is the master by now, nothing is asked for. */
  readonly from: Pick<PresentMaster, "name" | "token">;
  /** The node that should be the next master. Default: the group chooses. */
  readonly to: string | undefined;
  readonly why: string;
  /** How long the whole move may take, in ms. */
  readonly timeoutMs: number;
  /** Called with each step as it happens. */
  readonly onStep: (text: string, atMs: number) => void;
}

/** What came of a move. */
export interface Move {
  readonly from: string;
  readonly to: string;
  readonly token: number;
  readonly withoutMasterMs: number | undefined;
}

/** How long the master has to accept the request. */
const ACCEPT_MS = 10_000;

/**
 * Asks the master to hand over, and follows what happens. Resolves when another node is the master and takes connections.
 * Rejects with a `CommandError` whose exit code says what is so: refused and nothing changed, changed otherwise, or not
 * known in time. A request that nobody has accepted is withdrawn before it is called refused.
 */
export async function moveMaster(context: Context, group: OpenGroup, options: MoveOptions): Promise<Move> {
  using following = followForCommand(context, group);
  await untilView(following, options.timeoutMs);
  const { follower } = following;
  const master = findMaster(follower.view);
  refuseAnother(master, options.from);
  refuseOldNodes(follower.view, { names: [master.name] });
  refuseMove(follower.view, master, options.to);
  const request = await writeMove(group, follower, master, options);
  return await follow(following, { request, master }, options);
}

/** What was confirmed for one master is not asked of a later one, nor of a later time of the same node. */
function refuseAnother({ name, token }: PresentMaster, from: MoveOptions["from"]): void {
  if (token === from.token) return;
  const what =
    name === from.name
      ? `${plain(name)} has become the master anew`
      : `${plain(name)} has become the master, and ${plain(from.name)} is not any more`;
  throw refuse(`${what}: nothing was changed; look with msdha list`);
}

async function writeMove(
  group: OpenGroup,
  { view }: GroupFollower,
  { token }: PresentMaster,
  { to, why, timeoutMs }: MoveOptions,
): Promise<Request> {
  const { keys } = group;
  const target = to === undefined ? undefined : view.nodes.get(to);
  const present = view.asks.get(askName("switchover"));
  const request = await writeRequest(
    group,
    { kind: "switchover" },
    { why, token, to },
    {
      compare: [
        { key: keys.lock, target: "create", is: "=", value: token },
        { key: keys.ask("pause"), target: "create", is: "=", value: 0 },
        ...(to !== undefined && target
          ? [unchanged({ key: keys.node(to), modRevision: target.modRevision })]
          : []),
      ],
      leaseSeconds: Math.ceil(timeoutMs / 1_000) + 5,
      stale: present?.token === token ? undefined : present,
    },
  );
  if (!request)
    throw refuse("the group has just changed: look with msdha list, and ask again. Nothing was changed");
  return request;
}

async function follow(
  following: CommandFollower,
  { request, master }: { readonly request: Request; readonly master: PresentMaster },
  options: MoveOptions,
): Promise<Move> {
  const begun = systemClock.now();
  const { timeoutMs, to, onStep } = options;
  let progress: Progress = { token: master.token, request: request.revision };
  onStep(
    `${plain(master.name)} is asked to hand over to ${to === undefined ? "any ready node" : plain(to)}`,
    0,
  );
  for (;;) {
    const { view } = following.follower;
    const now = systemClock.now();
    const before = progress;
    progress = advance(before, view, now);
    for (const [text, at] of listSteps(before, progress, master.name)) onStep(text, at - begun);
    if (progress.refusedAt !== undefined) {
      throw refuse(`${plain(master.name)} refused: its log says why. It is the master as before`);
    }
    if (progress.openAt !== undefined && progress.published)
      return await conclude(progress, request, { from: master.name, to });
    const isAccepted = progress.acceptedAt !== undefined || progress.leftAt !== undefined;
    const leftMs = begun + (isAccepted ? timeoutMs : Math.min(ACCEPT_MS, timeoutMs)) - now;
    if (leftMs <= 0) throw await giveUp(following, request, master, isAccepted);
    const what = "the switchover";
    await nextView(following, { since: view, leftMs, request, isAccepted, what });
  }
}

/** The command's time is over. What was not accepted can be withdrawn, and then it is known that nothing happens. */
function giveUp(
  { follower, isUp }: CommandFollower,
  request: Request,
  { name }: PresentMaster,
  isAccepted: boolean,
): Promise<CommandError> {
  const master = mastership(follower.view);
  const is = master.kind === "master" ? `${plain(master.name)} is the master` : "there is no master now";
  const state = isUp()
    ? `not done in time, and still under way: ${is}`
    : `etcd does not answer, and the switchover is under way: before that ${is}`;
  return takeBack(request, {
    what: "the switchover",
    isAccepted,
    withdrawn: `${plain(name)} did not react: the request is withdrawn, and nothing was changed`,
    underWay: `${state}; look with msdha list`,
  });
}

async function conclude(
  progress: Progress,
  request: Request,
  { from: name, to }: { readonly from: string; readonly to: string | undefined },
): Promise<Move> {
  const { published, acceptedAt } = progress;
  if (!published) throw new Error("expected a published master");
  const gapMs = withoutMasterMs(progress);
  const move = { from: name, to: published.node, token: published.token, withoutMasterMs: gapMs };
  const gap = gapMs === undefined ? "" : `, ${formatMeasured(gapMs)} without a master`;
  if (acceptedAt === undefined) {
    // Of no effect any more, but the next switchover would be refused as long as it is there.
    await request.withdraw();
    const what = `${plain(name)} was lost before it accepted, and ${plain(published.node)} is the master now${gap}`;
    throw new CommandError(exitCodes.changedOtherwise, what);
  }
  if (to !== undefined && published.node !== to) {
    throw new CommandError(
      exitCodes.changedOtherwise,
      `${plain(published.node)} is the master now, and not ${plain(to)}${gap}: ${plain(to)} was lost, has a lower rank, or its candidate hook said no: its log says which`,
    );
  }
  return move;
}

function listSteps(before: Progress, after: Progress, from: string): readonly (readonly [string, number])[] {
  const steps: (readonly [string, number])[] = [];
  const add = (was: unknown, at: number | undefined, text: string): void => {
    if (was === undefined && at !== undefined) steps.push([text, at]);
  };
  add(before.acceptedAt, after.acceptedAt, `${plain(from)} accepts`);
  add(before.leftAt, after.leftAt, `${plain(from)} takes no new connections: new ones wait`);
  const free = after.free?.handedOver
    ? `nothing of ${plain(from)} runs any more: the lock is free`
    : `the lock is free, and ${plain(from)} has not handed over: its log says why`;
  add(before.free, after.free?.at, free);
  const waits = after.taken?.waits ? ", and waits for 2 TTLs until the old master is gone for certain" : "";
  add(before.taken, after.taken?.at, `${plain(after.taken?.node ?? "")} has the lock${waits}`);
  add(before.published, after.published?.at, `${plain(after.published?.node ?? "")} is the master`);
  add(before.openAt, after.openAt, `${plain(after.published?.node ?? "")} takes connections`);
  return steps;
}
