import type { Slot, Step } from "./next-step.ts";
import type { ServerAddress, StateChange } from "./runtime-api.ts";
import { canonicalAddress } from "./values.ts";

/**
 * The next step from what HAProxy shows to servers at exactly these addresses; pure, so that it can begin anywhere. A
 * server that is wanted no more drains for `drainMs`, then its sessions are cut. With more addresses than slots the last ones
 * are left out.
 */
export function nextPoolStep(
  wanted: readonly ServerAddress[],
  slots: readonly Slot[],
  now: number,
  drainMs: number,
): Step {
  const kept = wanted.slice(0, slots.length);
  const owned = new Map<string, Slot>();
  for (const slot of slots) {
    const key = keyOf(slot);
    const isWanted = slot.state !== "maint" && kept.some((address) => keyOf(address) === key);
    if (isWanted && !owned.has(key)) owned.set(key, slot);
  }
  const mine = new Set(owned.values());
  const excess = slots.filter((slot) => slot.state === "ready" && !mine.has(slot));
  const back = [...mine].filter(({ state }) => state === "drain");
  if (excess.length + back.length > 0) {
    const changes = [
      ...excess.map(({ name }) => ({ server: name, state: "drain" }) as const),
      ...back.map(toReady),
    ];
    return { kind: "states", changes };
  }
  const draining = slots.filter((slot) => slot.state === "drain");
  const due = draining.filter((slot) => now - age(slot) >= drainMs);
  if (due.length > 0)
    return { kind: "states", changes: due.map(({ name }) => ({ server: name, state: "maint" })) };
  const missing = kept.find((address) => !owned.has(keyOf(address)));
  const idle = slots.filter(({ state }) => state === "maint");
  if (missing && idle[0]) {
    const prepared = idle.find((slot) => keyOf(slot) === keyOf(missing));
    if (prepared) return { kind: "states", changes: [toReady(prepared)] };
    return { kind: "address", slot: idle[0].name, to: { address: missing.address, port: missing.port } };
  }
  if (draining.length > 0)
    return { kind: "wait", ms: Math.min(...draining.map((slot) => age(slot) + drainMs - now)) };
  return { kind: "done" };
}

/** With the address: HAProxy may have been started anew since it was looked at, and has none then. */
function toReady({ name, address, port }: Slot): StateChange {
  return { server: name, state: "ready", to: { address, port } };
}

function keyOf({ address, port }: ServerAddress): string {
  return `${canonicalAddress(address)} ${port}`;
}

function age({ drainedAt = Number.NEGATIVE_INFINITY }: Slot): number {
  return drainedAt;
}
