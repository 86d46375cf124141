import type { Ask, AskKind, GroupView } from "@msdha/group";
import { refuse } from "../command-error.ts";
import { type Context, type OpenGroup, openGroup } from "../context.ts";
import { formatDuration } from "../render/duration.ts";
import { plain } from "../render/plain.ts";
import { schema } from "../render/to-json.ts";
import { readView } from "../requests/read-view.ts";
import { refuseOldNodes } from "../requests/refuse-old-nodes.ts";
import { refuseUnknown } from "../requests/refuse-unknown.ts";
import { removeRequest, writeRequest } from "../requests/write-request.ts";
import type { GroupOptions } from "../settings.ts";

export interface PauseOptions extends GroupOptions {
  /** In ms. Default: until it is taken back. */
  readonly for?: number;
  readonly why?: string;
  readonly json?: boolean;
}

export interface ResumeOptions extends GroupOptions {
  readonly json?: boolean;
}

/** Keeps every node from taking the lock. */
export function pause(context: Context, options: PauseOptions): Promise<void> {
  return forbid(context, options, { kind: "pause", what: "the group" });
}

/** Keeps one node from taking the lock. */
export function hold(context: Context, node: string, options: PauseOptions): Promise<void> {
  return forbid(context, options, { kind: "hold", node, what: `node ${plain(node)}` });
}

/** Ends the pause. */
export function resume(context: Context, options: ResumeOptions): Promise<void> {
  return allow(context, options, { kind: "pause", what: "the group" });
}

/** Ends the hold of a node. */
export function release(context: Context, node: string, options: ResumeOptions): Promise<void> {
  return allow(context, options, { kind: "hold", node, what: `node ${plain(node)}` });
}

interface Target {
  readonly kind: AskKind & ("pause" | "hold");
  readonly node?: string;
  /** As messages say it. */
  readonly what: string;
}

async function forbid(context: Context, options: PauseOptions, target: Target): Promise<void> {
  await using group = openGroup(context, options);
  const view = await readView(group);
  const { kind, node, what } = target;
  refuseOldNodes(view);
  if (node !== undefined && !view.nodes.has(node)) throw refuseUnknown(view, node);
  const present = findAsk(view, target);
  if (present)
    throw refuse(`${what} is ${word(kind)} already${describe(present, context)}; ${undo(target)} first`);
  const until = options.for === undefined ? undefined : context.now() + options.for;
  const request = await writeRequest(group, target, { why: options.why ?? "", until }, { compare: [] });
  if (!request) throw refuse(`${what} has just been ${word(kind)} by another operator`);
  const end = options.for === undefined ? `until ${undo(target)}` : `for ${formatDuration(options.for)}`;
  const effect =
    kind === "pause"
      ? "no other node will take over, not even from a master that is lost"
      : "it will not take over";
  if (options.json) context.write(describeAsJson(group, target, { isOn: true, until }));
  else context.write(`${what} is ${word(kind)} ${end}: ${effect}. Fencing and leases work as before.\n`);
}

async function allow(context: Context, options: ResumeOptions, target: Target): Promise<void> {
  await using group = openGroup(context, options);
  const { kind, node, what } = target;
  const present = findAsk(await readView(group), target);
  if (!present) throw refuse(`${what} is not ${word(kind)}`);
  if (!(await removeRequest(group, { kind, node, revision: present.revision }))) {
    throw refuse(`what was asked of ${what} has just changed: look with msdha list`);
  }
  if (options.json) context.write(describeAsJson(group, target, { isOn: false, until: undefined }));
  else context.write(`${what} is not ${word(kind)} any more\n`);
}

/** What is so now: whether it is paused or held back, and until when. */
function describeAsJson(
  { group }: OpenGroup,
  { kind, node }: Target,
  { isOn, until }: { readonly isOn: boolean; readonly until: number | undefined },
): string {
  const end = until === undefined ? null : new Date(until).toISOString();
  const text = { schema, group, ...(node === undefined ? {} : { node }) };
  return `${JSON.stringify({ ...text, [kind === "pause" ? "paused" : "held"]: isOn, until: end })}\n`;
}

function findAsk({ asks }: GroupView, { kind, node }: Target): Ask | undefined {
  return [...asks.values()].find((ask) => ask.kind === kind && ask.node === node);
}

function word(kind: Target["kind"]): string {
  return kind === "pause" ? "paused" : "held back";
}

function undo({ kind, node }: Target): string {
  return kind === "pause" ? "msdha resume" : `msdha release ${plain(node ?? "")}`;
}

function describe({ by, why, until }: Ask, { now }: Context): string {
  const who = by === "" ? "" : ` by ${plain(by)}`;
  const reason = why === "" ? "" : ` ("${plain(why)}")`;
  const end = until === undefined ? "" : `, ${formatDuration(until - now())} left`;
  return `${who}${reason}${end}`;
}
