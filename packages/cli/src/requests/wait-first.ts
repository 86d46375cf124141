import { systemClock } from "@msdha/clock";
import { refuse } from "../command-error.ts";
import type { Context } from "../context.ts";
import { formatDuration } from "../render/duration.ts";

/** Resolves after so long. Rejects with a `CommandError` if the command should end meanwhile: it has asked for nothing yet. */
export async function waitFirst(
  { writeNote, signal }: Pick<Context, "writeNote" | "signal">,
  ms: number,
): Promise<void> {
  writeNote(`waiting for ${formatDuration(ms)} first; end this command to call it off\n`);
  // A timer of Node's own takes 24 days at most, and is over at once where it should take longer.
  await systemClock.sleep(ms, { signal }).catch(() => {
    throw refuse("the switchover is called off: nothing was changed");
  });
}
