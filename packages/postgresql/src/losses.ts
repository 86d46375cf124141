import type { HookContext } from "./context.ts";
import { messageOf } from "./failure.ts";
import { branchesOfTimeline } from "./history.ts";
import { answerOf } from "./local-server.ts";
import { lagBehind } from "./master-position.ts";
import { POSITION_SQL, readPosition } from "./position.ts";
import { formatSize } from "./sizes.ts";

/** Lines `TIME NEW-MASTER BYTES FORMER-MASTER`, the newest last. */
const KEY = "postgresql-losses";
const KEPT = 20;
/** What `msdha history` shows beside a master's time: lines `TOKEN TEXT`. */
const NOTES_KEY = "history-notes";

/** Returns the group's losses with one more, without the oldest beyond twenty. */
export function addLoss(
  before: string | undefined,
  loss: { readonly time: string; readonly master: string; readonly bytes: number; readonly former: string },
): string {
  return addLine(before, `${loss.time} ${loss.master} ${loss.bytes} ${loss.former}`);
}

/** Returns the notes of the group's history with one more, without the oldest beyond twenty. */
export function addNote(before: string | undefined, token: string, note: string): string {
  return addLine(before, `${token} ${note}`);
}

function addLine(before: string | undefined, line: string): string {
  const lines = (before ?? "").split("\n").filter((known) => known !== "");
  return [...lines, line].slice(-KEPT).join("\n");
}

/**
 * Logs and notes for the group how much of the former master's log this new master was promoted without: from where it was when its
 * timeline began, to where that master last said it was. Does nothing where commits waited for a standby: the candidate then
 * has not asked how far the master was.
 */
export async function noteLoss(context: HookContext): Promise<void> {
  const { formerMaster, log, member, server, store } = context;
  const former = formerMaster.position;
  formerMaster.position = undefined;
  const own = readPosition((await answerOf(server.query(POSITION_SQL)))?.[0]);
  if (!former || !own || former.master === member) return;
  // By number its timeline says nothing: it may be the former master's, of which this node knew nothing, or any newer one.
  const branches = branchesOfTimeline(context, own.timeline);
  const before = branches.at(-1);
  if (!before) return;
  const bytes = lagBehind(
    { timeline: before.timeline, bytes: before.at, branches: branches.slice(0, -1) },
    former,
  );
  if (bytes === 0) return;
  log(
    `promoted without ${formatSize(bytes)} (${bytes} bytes) of the log that ${former.master} had, and what it wrote in its last ` +
      "second: commits in there are lost, unless it comes back as the master (msdha-backend get postgresql-losses)",
  );
  try {
    const { env } = context;
    const note = `lost ${formatSize(bytes)} (${bytes} bytes) of the log that ${former.master} had`;
    const notes = addNote(await store.get(NOTES_KEY), env["MSDHA_FENCING_TOKEN"] ?? "", note);
    await store.put(NOTES_KEY, notes);
    const loss = { time: new Date().toISOString(), master: member, bytes, former: former.master };
    await store.put(KEY, addLoss(await store.get(KEY), loss));
  } catch (error) {
    log(`the group was not told of that: ${messageOf(error)}`);
  }
}
