import type { EtcdApi } from "@msdha/etcd-client";
import type { GroupStatus, Term } from "@msdha/group";
import { type Context, type OpenGroup, openGroup } from "../context.ts";
import { describeBegin, describeEnded, type GroupChange, listChanges } from "../render/changes.ts";
import { formatTime } from "../render/duration.ts";
import { renderHistory } from "../render/history.ts";
import { plain } from "../render/plain.ts";
import { createStyle } from "../render/style.ts";
import { schema, termsToJson } from "../render/to-json.ts";
import { describeView } from "../requests/describe-view.ts";
import { followForShow } from "../requests/follow-for-show.ts";
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

/**
 * Prints a line for each change of the group. Resolves at once unless it follows, else rejects with the reason of the signal, or with an
 * error of etcd that lasts. Rejects where etcd does not answer at first; later on it says so, and goes on.
 */
export async function printChanges(
  context: Pick<Context, "write" | "writeNote" | "now" | "signal">,
  group: Pick<OpenGroup, "group" | "read"> & { readonly client: EtcdApi },
  { follow, json }: { readonly follow: boolean; readonly json: boolean },
): Promise<void> {
  const { write, writeNote, now } = context;
  const print = (change: GroupChange, at: number | undefined): void => {
    const line = json
      ? JSON.stringify({ schema, at: at === undefined ? null : new Date(at).toISOString(), ...change })
      : `${at === undefined ? UNKNOWN_TIME : formatTime(at)}  ${change.text}`;
    write(`${line}\n`);
  };
  let shown = await group.read();
  for (const { at, ...change } of listPastChanges(shown)) print(change, at);
  if (!follow) return;
  let wasUp = true;
  const { follower, signal } = followForShow(context, group, {
    onHealth(up) {
      if (up !== wasUp) writeNote(`msdha: ${up ? ANSWERS_AGAIN : ANSWERS_NOT}\n`);
      wasUp = up;
    },
  });
  for (;;) {
    const { view } = follower;
    if (view.revision > 0) {
      const status = describeView(view);
      for (const change of listChanges(shown, status)) print(change, now());
      shown = status;
    }
    await follower.changed({ since: view, signal });
  }
}

/** As wide as a time. */
const UNKNOWN_TIME = "not known".padEnd("2026-01-01T00:00:00Z".length);
const ANSWERS_NOT = "etcd does not answer: what changes is shown when it does again";
const ANSWERS_AGAIN = "etcd answers again";

/** The history as changes, the oldest first. `at`: undefined for an end whose time nobody knows. */
function listPastChanges({
  terms,
  master,
}: GroupStatus): readonly (GroupChange & { readonly at: number | undefined })[] {
  return terms.toReversed().flatMap((term) => {
    const began = { ...describeBegin(term), at: term.beganAt };
    if (master.kind !== "none" && master.token === term.token) return [began];
    return [began, { ...(describeEnded(term) ?? describeUnknownEnd(term)), at: term.end?.at }];
  });
}

/** The end of a past master that was killed, and has not run again since. */
function describeUnknownEnd(term: Term): GroupChange {
  const text = `${plain(term.node)}'s time as the master ended, nobody knows when or why: its node has not run again since`;
  return { kind: "ended", node: term.node, text };
}
