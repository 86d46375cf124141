import { hasCode } from "@msdha/app";
import { type Ask, type Candidacy, type Candidate, findOrder, parseRank } from "@msdha/group";
import type { HookFailedError, HookNotRunnableError } from "@msdha/hook-runner";
import { hookEnvironment } from "./hook-context.ts";
import { refuseGone } from "./hooks.ts";
import type { Node } from "./node.ts";

/** The `candidate` hook of a node. */
export interface CandidateHook extends Candidate {
  /** The operator's order under which it said yes last: to be promoted though data may be lost; undefined if there was none. */
  readonly order: Ask | undefined;
}

/**
 * Returns the node's `candidate` hook. Code 0: the node may be master; any other, or a hook that takes longer than
 * MSDHA_CANDIDATE_TIMEOUT: not now. The last line of its standard output is the node's rank; no output: it has none.
 * A last line that is no rank, or a hook that can't be run, makes the node no candidate this time. A refusal is logged
 * once, and again when its reason changes.
 */
export function createCandidateHook(node: Node): CandidateHook {
  const { hooks, config, files, membership, follower, log } = node;
  let refusal: string | undefined;
  let acceptedOrder: Ask | undefined;

  function refuse(why: string): Candidacy {
    if (why !== refusal) log.warn(`the node is no candidate now: ${why}; asking again until that changes`);
    refusal = why;
    acceptedOrder = undefined;
    return { may: false };
  }

  function accept(rank: bigint | undefined, order: Ask | undefined): Candidacy {
    if (refusal !== undefined) log.info("the node is a candidate again");
    refusal = undefined;
    acceptedOrder = order;
    return { may: true, rank };
  }

  async function ask({ signal }: { readonly signal: AbortSignal }): Promise<Candidacy> {
    let last: string | undefined;
    const { view } = follower;
    const { state } = membership;
    const order = findOrder(view, { name: membership.name, run: files.runId });
    const env = hookEnvironment(node.baseEnvironment, { hook: "candidate", state, view });
    try {
      const ran = await hooks.run("candidate", {
        env: { ...env, MSDHA_ACCEPT_LOSS: order ? "1" : "" },
        timeoutMs: config.candidateTimeoutMs,
        signal,
        onStdout: (line) => {
          last = line;
        },
      });
      if (!ran) refuseGone("candidate", { present: node.present, hooksDir: config.hooksDir });
    } catch (error) {
      if (hasCode<HookFailedError>(error, "ERR_HOOK_FAILED")) return refuse(error.message);
      if (hasCode<HookNotRunnableError>(error, "ERR_HOOK_NOT_RUNNABLE")) return refuse(error.message);
      throw error;
    }
    const rank = last === undefined ? undefined : parseRank(last.trim());
    if (last === undefined || rank !== undefined) return accept(rank, order);
    return refuse(
      `the last line of hook candidate is no rank: expected an integer of up to 20 digits, got ${quote(last)}`,
    );
  }

  return {
    ask,
    get order() {
      return acceptedOrder;
    },
    get refused() {
      return refusal !== undefined;
    },
  };
}

const LONGEST_QUOTE = 100;

function quote(line: string): string {
  return JSON.stringify(line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE)}…` : line);
}
