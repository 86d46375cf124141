import { timing } from "@msdha/etcd-lease";
import type { Guard } from "@msdha/guard";

/** Keeps the guard's kill time behind the proofs of the lease. */
export interface Fence {
  /** To be called with the time of every proof of the lease. */
  proven(seen: number): void;
  /** From now on the kill time follows the proofs. Resolves when the guard has confirmed it; rejects when it can't. */
  arm(): Promise<void>;
  /** The lease may be lost: everything is killed one TTL from now, or at the kill time if that is sooner. */
  close(now: number): void;
  /** Another node is the master: everything is killed now, and nothing is started any more. */
  expire(): void;
  /** When everything is killed whatever happens: Infinity as long as a proof can put it off. */
  readonly killAt: number;
}

export function createFence(
  guard: Pick<Guard, "setDeadline">,
  { ttlMs, seen: firstSeen }: { readonly ttlMs: number; readonly seen: number },
): Fence {
  let state: "open" | "armed" | "closed" = "open";
  let seen = firstSeen;
  let killAt = Number.POSITIVE_INFINITY;

  async function send(at: number): Promise<void> {
    if (state === "closed") killAt = at;
    await guard.setDeadline(at);
  }
  // A guard that does not confirm ends the node by its own `lost` signal.
  const sendSoon = (at: number): void => void send(at).catch(() => {});

  return {
    proven(at) {
      seen = Math.max(seen, at);
      if (state === "armed") sendSoon(seen + timing.goneAfterTtls * ttlMs);
    },
    async arm() {
      if (state === "closed") return;
      state = "armed";
      await send(seen + timing.goneAfterTtls * ttlMs);
    },
    close(now) {
      if (state === "closed") return;
      const limit = now + ttlMs;
      const at = state === "armed" ? Math.min(limit, seen + timing.goneAfterTtls * ttlMs) : limit;
      state = "closed";
      sendSoon(at);
    },
    expire() {
      state = "closed";
      sendSoon(Number.NEGATIVE_INFINITY);
    },
    get killAt() {
      return killAt;
    },
  };
}
