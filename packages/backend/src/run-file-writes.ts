import { withTimeout } from "@msdha/clock";
import type { FormerEnd } from "./former-end.ts";
import type { FormerTerm } from "./last-term.ts";
import type { Node } from "./node.ts";

/** How long a write in the run folder may take; a stop goes on without it, as its lock must not be held for ever. */
const LONGEST_WRITE_MS = 1_000;

/** The same before the first hook, which must not run without it: a disk that is busy is waited for. */
export const LONGEST_FIRST_WRITE_MS = 10_000;

type Writer = Pick<Node, "clock" | "files" | "log">;

/** Says in the run folder whether this node is the master. Rejects when that takes too long. */
export async function writeMaster({ clock, files }: Writer, isMaster: boolean): Promise<void> {
  await withTimeout(clock, LONGEST_WRITE_MS, () => files.setMaster(isMaster));
}

/** Says in the run folder how this run has left things, for the next one. Resolves with whether that was written. */
export async function writeLastEnd(
  { clock, files, log }: Writer,
  end: FormerEnd,
  limitMs: number = LONGEST_WRITE_MS,
): Promise<boolean> {
  try {
    await withTimeout(clock, limitMs, () => files.setEnd(end));
    return true;
  } catch (error) {
    log.error({ err: error, ...end }, "could not write last_end in MSDHA_RUN_DIR for the next run");
    return false;
  }
}

/** Says in the run folder what is known of this run's time as the master, for the next one, which completes the history. */
export async function writeLastTerm({ clock, files, log }: Writer, term: FormerTerm): Promise<void> {
  try {
    await withTimeout(clock, LONGEST_WRITE_MS, () => files.setTerm(term));
  } catch (error) {
    log.error({ err: error }, "could not write last_term in MSDHA_RUN_DIR: the history may lack an end");
  }
}

/** Removes the files that say something of a node that runs. */
export async function closeRunFiles({ clock, files, log }: Writer): Promise<void> {
  try {
    await withTimeout(clock, LONGEST_WRITE_MS, () => files.close());
  } catch (error) {
    log.error({ err: error }, "could not remove current_master from MSDHA_RUN_DIR");
  }
}
