import type { CallOptions, EtcdApi } from "@msdha/etcd-client";
import type { GroupKeys } from "./keys.ts";
import { parseTerm, type TermEnd, writeTerm } from "./term.ts";
import type { GroupView } from "./view.ts";

/** How many terms a group keeps. */
const KEPT_TERMS = 200;
/** How many are forgotten in one transaction at most: etcd limits its operations. */
const FORGOTTEN_AT_ONCE = 16;

/** The tokens of the oldest terms, for which there is no room when one more is recorded. */
export function listForgottenTerms({ terms }: Pick<GroupView, "terms">): readonly number[] {
  const tokens = [...terms.keys()].sort((a, b) => a - b);
  return tokens.slice(0, Math.max(0, tokens.length + 1 - KEPT_TERMS)).slice(0, FORGOTTEN_AT_ONCE);
}

/**
 * Writes how the time of a master ended that could not write it itself: for the next run of its node, which has nothing
 * but what that run left behind. Does nothing if the record is another run's or has its end. Resolves with whether it
 * wrote one. Rejects with etcd's errors; the end may have been written nevertheless.
 */
export async function recordFormerEnd(
  etcd: EtcdApi,
  keys: GroupKeys,
  { token, run, end }: { readonly token: number; readonly run: string; readonly end: TermEnd },
  options: CallOptions,
): Promise<boolean> {
  const key = keys.term(token);
  const { kvs } = await etcd.range({ key }, options);
  const [present] = kvs;
  const term = present && parseTerm(token, present.value);
  if (!term || term.run !== run || term.end) return false;
  const { succeeded } = await etcd.txn(
    {
      compare: [{ key, target: "mod", is: "=", value: present.modRevision }],
      success: [{ type: "put", key, value: writeTerm({ ...term, end }) }],
      failure: [],
    },
    options,
  );
  return succeeded;
}
