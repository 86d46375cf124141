import type { KeyValue } from "@msdha/etcd-client";
import type { Mutation } from "./mutation.ts";
import { tamperWith } from "./wrap-etcd.ts";

export const decidesEarly: Mutation = {
  rule: "the choice: the lock's holder does not wait for what the others answer",
  noticedBy: "bestIsPromoted",
  collaborators: {
    etcd: (etcd, run, { keys }) =>
      tamperWith(etcd, {
        kv: (kv) =>
          kv.key.startsWith(DETAILS(keys.prefix)) && !kv.value.includes(run.id) ? notAsked(kv) : kv,
      }),
  },
};

export const lowestRankChosen: Mutation = {
  rule: "the choice: the lowest rank is chosen instead of the highest",
  noticedBy: "bestIsPromoted",
  collaborators: {
    etcd: (etcd, _, { keys }) =>
      tamperWith(etcd, { kv: (kv) => (kv.key.startsWith(RANKS(keys.prefix)) ? turnedRound(kv) : kv) }),
  },
};

const DETAILS = (prefix: string): string => `${prefix}_node/`;
const RANKS = (prefix: string): string => `${prefix}_rank/`;

function notAsked(kv: KeyValue): KeyValue {
  if (kv.value === "") return kv;
  const { candidateTimeoutMs: _, ...details } = JSON.parse(kv.value);
  return { ...kv, value: JSON.stringify(details) };
}

function turnedRound(kv: KeyValue): KeyValue {
  if (kv.value === "") return kv;
  const { rank, ...answer } = JSON.parse(kv.value);
  return rank === undefined
    ? kv
    : { ...kv, value: JSON.stringify({ ...answer, rank: String(-BigInt(rank)) }) };
}
