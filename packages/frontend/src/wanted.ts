import type { Mastership } from "@msdha/group";

/** Where the group wants connections to go, before names are resolved. */
export type Wanted =
  | { readonly kind: "master"; readonly name: string; readonly host: string; readonly owner: string }
  /** A master that wants no traffic yet. */
  | { readonly kind: "held"; readonly name: string; readonly owner: string }
  | { readonly kind: "stopping"; readonly owner: string }
  | { readonly kind: "none" };

/**
 * What the group wants now, after `previous`. A lock whose holder's node key is gone is a planned stop only of a
 * master that we served: the sessions that it has may go on. Anyone else's sessions must not.
 */
export function wantedFrom(previous: Wanted, now: Mastership): Wanted {
  switch (now.kind) {
    case "master":
      if (now.held) return { kind: "held", name: now.name, owner: String(now.token) };
      return { kind: "master", name: now.name, host: now.address, owner: String(now.token) };
    case "stopping": {
      const owner = String(now.token);
      return previous.kind !== "none" && previous.owner === owner
        ? { kind: "stopping", owner }
        : { kind: "none" };
    }
    case "none":
      return { kind: "none" };
  }
}

/** Whether two say the same. */
export function sameWanted(a: Wanted, b: Wanted): boolean {
  if (a.kind === "none" || b.kind === "none") return a.kind === b.kind;
  if (a.kind !== b.kind || a.owner !== b.owner) return false;
  return a.kind !== "master" || b.kind !== "master" || (a.host === b.host && a.name === b.name);
}
