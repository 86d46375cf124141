import type * as Rules from "@msdha/postgresql";
import type { Server } from "./server.ts";

/** The part of the world that says which commits must be there, and what went wrong: see `World`. */
interface Commits {
  readonly mode: "preferred" | "strict";
  readonly nodes: readonly { readonly server: Server }[];
  readonly acknowledged: Set<number>;
  readonly givenUp: Set<string>;
  readonly lost: Set<number>;
  readonly violations: string[];
}

function missing({ acknowledged }: Pick<Commits, "acknowledged">, server: Server): readonly number[] {
  const ids = new Set(server.log.map(({ id }) => id));
  return [...acknowledged].filter((id) => !ids.has(id));
}

/** Nobody is promoted who lacks what a client saw acknowledged, unless the group knew that this could be. */
export function checkPromotion(world: Commits, server: Server, recordBefore: Rules.SyncRecord): void {
  for (const id of missing(world, server)) {
    if (recordBefore.kind === "sync" || world.mode === "strict") {
      world.violations.push(`${server.name} was promoted without commit ${id}, which was acknowledged`);
    }
    world.acknowledged.delete(id);
  }
}

/** A record of the standbys that commits wait for has been written: it names nodes, and may give commits up. */
export function checkRecord(world: Commits, before: Rules.SyncRecord, next: Rules.SyncRecord): void {
  permitLoss(world, before, next);
  if (next.kind === "none") return;
  const stranger = next.standbys.find((name) => !world.nodes.some(({ server }) => server.name === name));
  // It is asked before each promotion, and never answers.
  if (stranger !== undefined) {
    world.violations.push(`the record names ${stranger}, which is no node: nobody could be promoted`);
  }
}

/** The group knew that commits may be on the master only; the next master's first record gives them up. */
function permitLoss(world: Commits, before: Rules.SyncRecord, next: Rules.SyncRecord): void {
  if (before.kind === "sync" || next.kind === "none") return;
  if (before.kind === "async" && before.token === next.token) return;
  if (before.kind === "async" && world.mode === "preferred") world.givenUp.add(before.token);
  const writer = world.nodes.find(({ server }) => server.name === next.master)?.server;
  if (!writer || world.mode === "strict") return;
  for (const id of missing(world, writer)) world.acknowledged.delete(id);
  const kept = new Set(writer.log.map(({ id }) => id));
  for (const { server } of world.nodes)
    for (const { id } of server.log) if (!kept.has(id)) world.lost.add(id);
}
