import type { ServerRow } from "./parse-answers.ts";
import type { ServerAddress, StateChange } from "./runtime-api.ts";
import { canonicalAddress } from "./values.ts";

/**
 * Where new connections are to go. `owner` is whatever tells one term of mastership from every other (a fencing
 * token): a master that comes back at the same address is another owner.
 *
 * - `serve`: to this master. Sessions of any other are cut.
 * - `drain`: nowhere, they wait; the sessions of this owner go on, those of any other are cut.
 * - `none`: nowhere, they wait; all sessions are cut.
 */
export type Route =
  | { readonly kind: "serve"; readonly owner: string; readonly address: string; readonly port: number }
  | { readonly kind: "drain"; readonly owner: string }
  | { readonly kind: "none" };

/** A slot as HAProxy shows it, and what is remembered of it. */
export interface Slot extends ServerRow {
  readonly owner?: string | undefined;
  /** When its drain began. */
  readonly drainedAt?: number | undefined;
}

/** What to do next to get HAProxy to where a route wants it. */
export type Step =
  | { readonly kind: "address"; readonly slot: string; readonly to: ServerAddress }
  | { readonly kind: "states"; readonly changes: readonly StateChange[] }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "done" };

/**
 * The next step from what HAProxy shows towards `route`; pure, so that it can begin anywhere: after an earlier route
 * was overtaken halfway, and with a HAProxy that was just started.
 *
 * A slot drains for `drainMs` before it is put into maintenance, which cuts its sessions: what is still connecting
 * would otherwise be cut with them, where after one `timeout connect` it goes back to waiting. Never are two slots
 * ready: between the old master and the new one a connection may wait, but it can't reach the wrong one.
 */
export function nextStep(route: Route, slots: readonly Slot[], now: number, drainMs: number): Step {
  if (route.kind !== "serve") return retire(slots, route, now, drainMs);
  const own = slots.find((slot) => holds(slot, route));
  if (!own) return prepare(slots, route);
  const others = slots.filter((slot) => slot !== own);
  if (own.state === "ready") return retire(others, route, now, drainMs);
  const drained = others.filter(({ state }) => state === "ready").map(({ name }) => toState(name, "drain"));
  return { kind: "states", changes: [...drained, toReady(own.name, route)] };
}

/** With the address: HAProxy may have been started anew since it was looked at, and has none then. */
function toReady(server: string, { address, port }: ServerAddress): StateChange {
  return { server, state: "ready", to: { address, port } };
}

/** Gives the new master's address to the idle slot, and takes the older one where none is idle. */
function prepare(slots: readonly Slot[], { address, port }: ServerAddress): Step {
  const idle = slots.find(({ state }) => state === "maint");
  if (idle) return { kind: "address", slot: idle.name, to: { address, port } };
  const [oldest] = slots.filter(({ state }) => state === "drain").toSorted((a, b) => age(a) - age(b));
  const spare = oldest ?? slots[0];
  if (!spare) throw new TypeError("slots: expected at least one, got none");
  const drained = slots.filter((slot) => slot !== spare && slot.state === "ready");
  return {
    kind: "states",
    changes: [...drained.map(({ name }) => toState(name, "drain")), toState(spare.name, "maint")],
  };
}

/** Takes slots out of use: new connections at once, sessions after `drainMs`, unless the route lets them go on. */
function retire(slots: readonly Slot[], route: Route, now: number, drainMs: number): Step {
  const ready = slots.filter(({ state }) => state === "ready");
  if (ready.length > 0) return { kind: "states", changes: ready.map(({ name }) => toState(name, "drain")) };
  const kept = route.kind === "drain" ? route.owner : undefined;
  const draining = slots.filter(
    ({ state, owner }) => state === "drain" && (kept === undefined || owner !== kept),
  );
  const due = draining.filter((slot) => now - age(slot) >= drainMs);
  if (due.length > 0) return { kind: "states", changes: due.map(({ name }) => toState(name, "maint")) };
  if (draining.length === 0) return { kind: "done" };
  return { kind: "wait", ms: Math.min(...draining.map((slot) => age(slot) + drainMs - now)) };
}

function holds(slot: Slot, { owner, address, port }: Route & { kind: "serve" }): boolean {
  return (
    slot.owner === owner && slot.port === port && canonicalAddress(slot.address) === canonicalAddress(address)
  );
}

function age({ drainedAt = Number.NEGATIVE_INFINITY }: Slot): number {
  return drainedAt;
}

function toState(server: string, state: StateChange["state"]): StateChange {
  return { server, state };
}
