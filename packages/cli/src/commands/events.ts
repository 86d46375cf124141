import { systemClock } from "@msdha/clock";
import { describeGroup, followGroup, type GroupStatus } from "@msdha/group";
import { type Context, type OpenGroup, openGroup } from "../context.ts";
import { describeBegin, describeEnded, type GroupChange, listChanges } from "../render/changes.ts";
import { formatTime } from "../render/duration.ts";
import { renderHistory } from "../render/history.ts";
import { createStyle } from "../render/style.ts";
import { schema, termsToJson } from "../render/to-json.ts";
import type { GroupOptions } from "../settings.ts";
import { readNotes } from "./history-notes.ts";

/** Lists the masters so far: when each began and ended, and what their hooks noted. */
export async function history(
  context: Context,
  options: GroupOptions & { readonly count: number; readonly json?: boolean },
): Promise<void> {
  await using group = openGroup(context, options);
  const [status, notes] = await Promise.all([group.read(), readNotes(group, context.signal)]);
  if (options.json) {
    const shown = termsToJson(status, notes).slice(0, options.count);
    context.write(`${JSON.stringify({ schema, group: group.group, history: shown })}\n`);
    return;
  }
  const { terminal, now } = context;
  const style = createStyle(terminal.isColourful);
  const { count } = options;
  const lines = renderHistory(status, { now: now(), width: terminal.width, style, count, notes });
  context.write(`${lines.join("\n")}\n`);
}

/** Prints what happened: the group's history in the order in which it was, and with `follow` what happens from now on. */
export async function events(
  context: Context,
  options: GroupOptions & { readonly follow?: boolean; readonly json?: boolean },
): Promise<void> {
  await using group = openGroup(context, options);
  await printChanges(context, group, { follow: options.follow === true, json: options.json === true });
}

/** Prints a line for each change of the group; resolves at once unless it follows, else with the reason of the signal. */
export async function printChanges(
  context: Context,
  { client, group, read }: OpenGroup,
  { follow, json }: { readonly follow: boolean; readonly json: boolean },
): Promise<void> {
  const print = (change: GroupChange, at: number): void => {
    const line = json
      ? JSON.stringify({ schema, at: new Date(at).toISOString(), ...change })
      : `${formatTime(at)}  ${change.text}`;
    context.write(`${line}\n`);
  };
  if (!follow) {
    for (const { at, ...change } of listPastChanges(await read())) print(change, at);
    return;
  }
  const { signal, now } = context;
  const follower = followGroup(client, group, { clock: systemClock, signal });
  let shown: GroupStatus | undefined;
  for (;;) {
    const { view } = follower;
    if (view.revision > 0) {
      const status = describeGroup(view);
      if (shown) for (const change of listChanges(shown, status)) print(change, now());
      else for (const { at, ...change } of listPastChanges(status)) print(change, at);
      shown = status;
    }
    await follower.changed({ since: view, signal });
  }
}

/** The history as changes, the oldest first. */
function listPastChanges({ terms }: GroupStatus): readonly (GroupChange & { readonly at: number })[] {
  return terms.toReversed().flatMap((term) => {
    const began = { ...describeBegin(term), at: term.beganAt };
    const ended = describeEnded(term);
    return ended ? [began, { ...ended, at: term.end?.at ?? term.beganAt }] : [began];
  });
}
