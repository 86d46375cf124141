import type { HookContext } from "./context.ts";
import { refusalOf } from "./local-server.ts";

const LOOK_MS = 50;
const PROGRESS_LOOK_MS = 1_000;
const FIRST_WORD_MS = 15_000;
const NEXT_WORD_MS = 600_000;
/** A server that replays is at another file of the log by then. */
const STILL_MS = 10_000;

/**
 * Resolves when the server takes connections. One that does not for long is logged, with why as far as can be seen, and
 * again every ten minutes: a standby may wait for what never comes.
 */
export async function waitUntilOpen(context: HookContext): Promise<void> {
  const { activity, clock, group, log, server, sleep } = context;
  using notes = new DisposableStack();
  const began = clock.now();
  let nextWord = began;
  let nextLook = began;
  let said = "";
  let seen: { readonly file: string | undefined; readonly at: number } = { file: undefined, at: began };
  for (;;) {
    const refusal = server.takesConnections() ? await lookForRefusal(server) : "";
    if (refusal === undefined) return;
    await sleep(refusal === "" ? LOOK_MS : PROGRESS_LOOK_MS);
    const now = clock.now();
    if (now < nextLook) continue;
    nextLook = now + PROGRESS_LOOK_MS;
    const file = server.replayedFile();
    if (file !== seen.file) seen = { file, at: now };
    if (now < began + FIRST_WORD_MS) continue;
    if (said === "") notes.use(activity.begin("takes no connections yet"));
    const isMoving = file !== undefined && now - seen.at < STILL_MS;
    const why = describeClosed({ refusal, file, isMoving, master: group.master()?.name });
    const kind = refusal || (file === undefined ? "not yet" : isMoving ? "reads" : "stands still");
    if (kind === said && now < nextWord) continue;
    said = kind;
    nextWord = now + NEXT_WORD_MS;
    log(`the server has taken no connections for ${Math.round((now - began) / 1_000)} s: ${why}`);
  }
}

/** Resolves with undefined where the server answers, and with why it refuses this node, or nothing, where it does not. */
async function lookForRefusal(server: HookContext["server"]): Promise<string | undefined> {
  try {
    await server.query("SELECT 1");
    return undefined;
  } catch (error) {
    return refusalOf(error) ?? "";
  }
}

/** Returns why a server takes no connections: by what it refuses this node for (empty for nothing), by the file of the log that it is at, and whether it was at another shortly before. */
export function describeClosed({
  refusal,
  file,
  isMoving,
  master,
}: {
  readonly refusal: string;
  readonly file: string | undefined;
  readonly isMoving: boolean;
  readonly master: string | undefined;
}): string {
  if (refusal !== "") return `it refuses this node's own session on its socket: ${refusal}`;
  if (file === undefined) return "it does not read its log yet";
  if (isMoving) return `it reads its log, and is at the file ${file}`;
  const upTo = `it has been at the file ${file} of its log for 10 s or more, and may not know which transactions were running there`;
  return master === undefined
    ? `${upTo}. A master would tell it. If none ever comes, see "A standby that does not open" in the page of the hooks`
    : `${upTo}. It waits for ${master} to tell it`;
}
