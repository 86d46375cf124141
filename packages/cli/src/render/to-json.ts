import type { Ask, GroupStatus, NodeStatus, Term } from "@msdha/group";
import type { ListedGroup } from "./list.ts";
import { whyNoMaster } from "./why-no-master.ts";

/** The version of everything that `--json` prints: fields may be added to it, and none is removed or changed. */
export const schema = 1;

/** A status as `--json` prints it: times in ISO 8601, what is not known as null. */
export function toJson(status: ListedGroup, now: number): object {
  const { absentHolds, master, reinits, strays } = status;
  const reinitOf = (name: string): Ask | undefined => reinits?.find(({ node }) => node === name);
  const absentReinits = reinits?.filter(({ node }) => status.nodes.every(({ name }) => name !== node));
  return {
    revision: status.revision,
    master: master.kind === "master" ? master.name : null,
    masterAddress: master.kind === "master" ? master.address : null,
    token: master.kind === "none" ? null : master.token,
    noMaster: whyNoMaster(status, now) ?? null,
    stopping: master.kind === "stopping",
    holder: status.holder ?? null,
    ttlSeconds: status.ttlSeconds ?? null,
    pause: askToJson(status.pause),
    switchover: askToJson(status.switchover),
    nodes: status.nodes.map((node) => ({ ...nodeToJson(node), reinit: askToJson(reinitOf(node.name)) })),
    absentHolds: absentHolds?.map((hold) => ({ node: hold.node ?? null, hold: askToJson(hold) })) ?? null,
    absentReinits: absentReinits?.map((ask) => ({ node: ask.node ?? null, reinit: askToJson(ask) })) ?? null,
    strays: strays ?? null,
    frontends: status.frontends,
    history: termsToJson(status),
  };
}

/** The masters that there were, the newest first; with `notes`, what their hooks noted. */
export function termsToJson(
  { terms, master }: Pick<GroupStatus, "terms" | "master">,
  notes?: ReadonlyMap<number, string>,
): readonly object[] {
  return terms.map((term) => ({
    ...termToJson(term, master.kind === "master" && master.token === term.token),
    ...(notes ? { note: notes.get(term.token) ?? null } : {}),
  }));
}

function termToJson({ end, ...term }: Term, isCurrent: boolean): object {
  return {
    token: term.token,
    node: term.node,
    current: isCurrent,
    began: time(term.beganAt),
    takenAfter: term.takenAfter,
    from: term.from ?? null,
    withoutMasterMs: term.gapMs ?? null,
    mayHaveLost: term.losses ?? null,
    ended: end ? { at: time(end.at), why: end.why, by: end.by } : null,
  };
}

function nodeToJson(node: NodeStatus): object {
  return {
    name: node.name,
    state: node.state,
    master: node.isMaster,
    since: time(node.since),
    address: node.address,
    ttlSeconds: node.ttlSeconds ?? null,
    takesRequests: node.asks > 0,
    behindBytes: node.report?.behind ?? null,
    note: node.report?.note ?? "",
    hold: askToJson(node.hold),
    promotion: askToJson(node.promotion),
  };
}

function askToJson(ask: Ask | undefined): object | null {
  if (!ask) return null;
  return { by: ask.by, why: ask.why, at: time(ask.at), until: time(ask.until), to: ask.to ?? null };
}

function time(ms: number | undefined): string | null {
  return ms === undefined || !Number.isFinite(ms) || Math.abs(ms) > 8.64e15
    ? null
    : new Date(ms).toISOString();
}
