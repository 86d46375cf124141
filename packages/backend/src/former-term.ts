import { recordFormerEnd, type TermEnd } from "@msdha/group";
import type { Node } from "./node.ts";

const CALL_MS = 5_000;
const AGAIN_MS = 5_000;
const WITHOUT_A_TRACE = "its run ended without a trace: killed, or its machine went down";

/**
 * Writes into the group's history how the former run's time as the master ended, if that run could not: it had lost its
 * lock, or ended without a trace. Tries until etcd answers, or the node ends. Never rejects.
 */
export async function recordFormerTerm({ clock, end, etcd, files, follower, log }: Node): Promise<void> {
  const { formerTerm } = files;
  if (!formerTerm) return;
  const { token, run } = formerTerm;
  const found: TermEnd = { why: WITHOUT_A_TRACE, ...formerTerm.end, by: "next_run" };
  while (!end.begun.aborted) {
    try {
      const call = { timeoutMs: CALL_MS, signal: end.begun };
      const entry = { token, run, end: found };
      if (await recordFormerEnd(etcd, follower.view.keys, entry, call)) {
        log.info(
          { token, why: found.why },
          "wrote into the history how the former run's time as the master ended",
        );
      }
      return;
    } catch (error) {
      log.debug({ err: error }, "could not write the former run's end into the history; trying again");
      await clock.sleep(AGAIN_MS, { signal: end.begun }).catch(() => {});
    }
  }
}
