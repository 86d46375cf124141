import type { Ask, Term } from "@msdha/group";
import type { SeenGroup } from "../requests/describe-view.ts";
import { describeBeginning } from "./describe-term.ts";
import { formatMeasured } from "./duration.ts";
import { plain } from "./plain.ts";

/** Something that happened in a group. */
export interface GroupChange {
  readonly kind: "node" | "master" | "ended" | "ask";
  readonly node?: string;
  readonly text: string;
}

/** Lists what is different in a later status of a group, in words. */
export function listChanges(before: SeenGroup, after: SeenGroup): readonly GroupChange[] {
  return [
    ...listEnds(before, after),
    ...listNodeChanges(before, after),
    ...listMasters(before, after),
    ...listAskChanges(before, after),
  ];
}

function listNodeChanges(before: SeenGroup, after: SeenGroup): readonly GroupChange[] {
  const stateOf = ({ nodes }: SeenGroup, name: string): string | undefined =>
    nodes.find((node) => node.name === name)?.state;
  const names = [...new Set([...before.nodes, ...after.nodes].map(({ name }) => name))].sort();
  return names.flatMap((name) => {
    const [was, is] = [stateOf(before, name), stateOf(after, name)];
    if (was === is) return [];
    const text = `${plain(name)}: ${was ?? "not there"} → ${is ?? "gone"}`;
    return [{ kind: "node" as const, node: name, text }];
  });
}

function listMasters(before: SeenGroup, after: SeenGroup): readonly GroupChange[] {
  const { master } = after;
  const was = before.master;
  if (master.kind !== "master") {
    if (was.kind !== "master") return [];
    return [{ kind: "master", node: was.name, text: `${plain(was.name)} is not the master any more` }];
  }
  const { name, token } = master;
  const wasThis = was.kind === "master" && was.token === token;
  if (wasThis && was.held && !master.held)
    return [{ kind: "master", node: name, text: `${plain(name)} takes connections` }];
  if (wasThis) return [];
  const term = after.terms.find((one) => one.token === token);
  return [term ? describeBegin(term) : { kind: "master", node: name, text: sayMaster(name, token) }];
}

function listEnds(before: SeenGroup, after: SeenGroup): readonly GroupChange[] {
  return after.terms.flatMap((term) => {
    const was = before.terms.find(({ token }) => token === term.token);
    const ended = was && !was.end ? describeEnded(term) : undefined;
    return ended ? [ended] : [];
  });
}

/** The beginning of a master's time, as something that happened. */
export function describeBegin(term: Term): GroupChange {
  const gap = term.gapMs === undefined ? "" : `, ${formatMeasured(term.gapMs)} without a master`;
  const loss = term.losses === undefined ? "" : `; may have lost data: ${plain(term.losses)}`;
  const text = `${sayMaster(term.node, term.token)}, ${describeBeginning(term)}${gap}${loss}`;
  return { kind: "master", node: term.node, text };
}

/** Its end; undefined if nobody has written one. Whoever found it afterwards may not know when it was. */
export function describeEnded(term: Term): GroupChange | undefined {
  if (!term.end) return undefined;
  const when = term.end.at === undefined ? ", nobody knows when" : "";
  const text = `${plain(term.node)}'s time as the master ended${when}: ${plain(term.end.why)}`;
  return { kind: "ended", node: term.node, text };
}

function sayMaster(name: string, token: number): string {
  return `${plain(name)} is the master (token ${token})`;
}

function listAskChanges(earlier: SeenGroup, later: SeenGroup): readonly GroupChange[] {
  const asks = (status: SeenGroup): ReadonlyMap<string, Ask> =>
    new Map(
      [status.pause, status.switchover, ...status.nodes.flatMap(({ hold, promotion }) => [hold, promotion])]
        .filter((ask) => ask !== undefined)
        .concat(status.absentHolds, status.reinits)
        .map((ask) => [sayAsk(ask), ask]),
    );
  const [was, is] = [asks(earlier), asks(later)];
  return [
    ...[...is].flatMap(([name, ask]) => {
      const before = was.get(name);
      if (before?.revision === ask.revision) return [];
      if (before && ask.accepted && !before.accepted)
        return [{ kind: "ask" as const, text: `${name} accepted` }];
      const why = ask.why === "" ? "" : `: ${plain(ask.why)}`;
      return [{ kind: "ask" as const, text: `${name} asked for${why}` }];
    }),
    ...[...was.keys()]
      .filter((name) => !is.has(name))
      .map((name) => ({ kind: "ask" as const, text: `${name} is over` })),
  ];
}

function sayAsk({ kind, node }: Ask): string {
  return `${kind === "promote" ? "promotion" : kind}${node === undefined ? "" : ` of ${plain(node)}`}`;
}
