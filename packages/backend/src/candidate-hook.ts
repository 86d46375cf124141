import { hasCode } from "@msdha/app";
import { type Candidacy, type Candidate, parseRank } from "@msdha/group";
import type { HookFailedError, HookNotRunnableError } from "@msdha/hook-runner";
import { hookEnvironment } from "./hook-context.ts";
import type { Node } from "./node.ts";

/**
 * Returns the node's `candidate` hook. Code 0: the node may be master; any other, or a hook that takes longer than
 * MSDHA_CANDIDATE_TIMEOUT: not now. The last line of its standard output is the node's rank; no output: it has none.
 * A last line that is no rank, or a hook that can't be run, makes the node no candidate this time. A refusal is logged
 * once, and again when its reason changes.
 */
export function createCandidateHook(node: Node): Candidate {
  const { hooks, config, membership, follower, log } = node;
  let refusal: string | undefined;

  function refuse(why: string): Candidacy {
    if (why !== refusal) log.warn(`the node is no candidate now: ${why}; asking again until that changes`);
    refusal = why;
    return { may: false };
  }

  function accept(rank: bigint | undefined): Candidacy {
    if (refusal !== undefined) log.info("the node is a candidate again");
    refusal = undefined;
    return { may: true, rank };
  }

  async function ask({ signal }: { readonly signal: AbortSignal }): Promise<Candidacy> {
    let last: string | undefined;
    try {
      await hooks.run("candidate", {
        env: hookEnvironment(node.baseEnvironment, {
          hook: "candidate",
          state: membership.state,
          view: follower.view,
        }),
        timeoutMs: config.candidateTimeoutMs,
        signal,
        onStdout: (line) => {
          last = line;
        },
      });
    } catch (error) {
      if (hasCode<HookFailedError>(error, "ERR_HOOK_FAILED")) return refuse(error.message);
      if (hasCode<HookNotRunnableError>(error, "ERR_HOOK_NOT_RUNNABLE")) return refuse(error.message);
      throw error;
    }
    if (last === undefined) return accept(undefined);
    const rank = parseRank(last.trim());
    if (rank !== undefined) return accept(rank);
    return refuse(
      `the last line of hook candidate is no rank: expected an integer of up to 20 digits, got ${quote(last)}`,
    );
  }

  return {
    ask,
    get refused() {
      return refusal !== undefined;
    },
  };
}

const LONGEST_QUOTE = 100;

function quote(line: string): string {
  return JSON.stringify(line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE)}…` : line);
}
