import type { GroupNode } from "./backend-command.ts";
import type { HookContext } from "./context.ts";
import { checkEnd } from "./end-check.ts";
import { POSITION_SQL } from "./position.ts";

/** The node waits for the helper's end meanwhile. */
const LONGEST_MS = 200;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** In the helper's folder: the fencing token of the master whose end the helper has checked, so that `stopped` need not. */
export function checkedEndFile({ settings }: Pick<HookContext, "settings">): string {
  return `${settings.home}/checked-end`;
}

/**
 * Makes the check of the `stopped` hook while the helper still runs, with what it has loaded and sessions that are open: a new program
 * takes a tenth of a second, in which no client is served. A node asks its helper to end when its main process, the server, has ended.
 * The helper then makes the check, notes in a file that the next master may begin, and ends. Without that file `stopped` makes it itself:
 * where the answer is no or takes long, and where the helper was killed.
 */
export async function checkEarly(
  context: HookContext,
  nodes: readonly GroupNode[],
  token: string,
): Promise<void> {
  const asked = untilAskedToEnd();
  const others = nodes.filter(({ name }) => name !== context.settings.name);
  void Promise.all(others.map(({ address }) => context.peer(address).query(POSITION_SQL))).catch(() => {});
  await asked;
  const checked = checkEnd(context, { longestMs: LONGEST_MS }).then(
    () => true,
    () => false,
  );
  // A standby that is frozen answers nothing, for longer than the check waits for what it lacks.
  const over = context.sleep(LONGEST_MS).then(() => false);
  if (await Promise.race([checked, over])) context.files.write(checkedEndFile(context), `${token}\n`);
  process.exit(0);
}

/** Resolves at the first signal that asks this process to end; the next one ends it. */
function untilAskedToEnd(): Promise<void> {
  return new Promise((resolve) => {
    const note = (): void => {
      for (const signal of SIGNALS) process.removeListener(signal, note);
      resolve();
    };
    for (const signal of SIGNALS) process.on(signal, note);
  });
}
