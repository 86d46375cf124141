import { hasCode } from "@msdha/app";
import type { Candidacy } from "@msdha/group";
import type { HookFailedError } from "@msdha/hook-runner";
import { hookEnvironment } from "./hook-context.ts";
import type { Node } from "./node.ts";

/** A node whose hook takes longer than this does not compete this time. */
const LONGEST_MS = 5_000;

/**
 * Asks the `candidate` hook whether the node may be master. Code 0: yes; any other: not now. A number alone in the
 * last line that it writes is the node's rank among the others that may. Without such a hook every node may, and none
 * is ahead. Rejects when the hook can't be run at all, and with the node's ending.
 */
export async function askCandidate(node: Node): Promise<Candidacy> {
  const { hooks, config, membership, follower, ended, log } = node;
  let last = "";
  try {
    await hooks.run("candidate", {
      env: hookEnvironment(node.baseEnvironment, {
        hook: "candidate",
        state: membership.state,
        view: follower.view,
      }),
      timeoutMs: Math.min(config.hookTimeoutMs, LONGEST_MS),
      signal: ended,
      onStdout: (line) => {
        last = line;
      },
    });
  } catch (error) {
    if (!hasCode<HookFailedError>(error, "ERR_HOOK_FAILED")) throw error;
    log.warn({ err: error }, "the node is no candidate now");
    return { may: false };
  }
  return { may: true, rank: readRank(last) };
}

function readRank(line: string): number | undefined {
  return /^-?\d{1,15}$/.test(line.trim()) ? Number(line) : undefined;
}
