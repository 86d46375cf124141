import { isIP } from "node:net";
import { isHostAddress } from "@msdha/app";
import type { Clock } from "@msdha/clock";

/** Resolves a host name to all its IP addresses, as `dns.lookup` does. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/** Whether the master's port at an address takes a connection. */
export type Reach = (address: string) => Promise<boolean>;

export interface FollowAddressOptions {
  readonly lookup: Lookup;
  /** Asked only where the host has several addresses, until one answers. */
  readonly reach: Reach;
  readonly clock: Clock;
  /** How long an address is taken for good. */
  readonly intervalMs: number;
  /** How long the last address is kept while the resolver can't be asked. */
  readonly keepMs: number;
  readonly signal: AbortSignal;
  /** Called with the first address, and with each that takes its place. */
  readonly onAddress: (address: string) => void;
  /** Called when the host has no address any more: the one that it had may be anybody's. */
  readonly onGone: (error: unknown) => void;
  /** Called when the host can't be resolved, once until it can again. */
  readonly onTrouble: (error: unknown) => void;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 1_000;

/**
 * Follows the address of a host until `signal` aborts, and resolves then. Of several addresses the first that answers is
 * taken, and kept for as long as the host has it. A host that has none any more, as the resolver says, is gone at once;
 * a resolver that can't be asked leaves the last address for `keepMs`. An IP address is itself, and called with before
 * this returns.
 */
export async function followAddress(host: string, options: FollowAddressOptions): Promise<void> {
  const { lookup, reach, clock, intervalMs, keepMs, signal, onAddress, onGone, onTrouble } = options;
  if (isHostAddress(host)) return onAddress(host);
  let address: string | undefined;
  let answers = false;
  let resolvedAt = clock.now();
  let failures = 0;
  let unanswered = 0;

  function retryMs(count: number): number {
    return Math.min(FIRST_RETRY_MS * 2 ** count, LAST_RETRY_MS);
  }

  /** Resolves with when to look again. */
  async function look(): Promise<number> {
    const found = (await resolveUsable(host, lookup)) as [string, ...string[]];
    resolvedAt = clock.now();
    failures = 0;
    const kept = address !== undefined && found.includes(address) ? address : undefined;
    if (kept !== undefined && answers) return intervalMs;
    const reached = found.length > 1 ? await firstThatAnswers(found, reach) : undefined;
    if (signal.aborted) return 0;
    answers = found.length === 1 || reached !== undefined;
    const next = reached ?? kept ?? found[0];
    if (next !== address) {
      address = next;
      onAddress(next);
    }
    if (answers) unanswered = 0;
    return answers ? intervalMs : retryMs(unanswered++);
  }

  function fail(error: unknown): number {
    if (address !== undefined && (hasNone(error) || clock.now() - resolvedAt >= keepMs)) {
      address = undefined;
      answers = false;
      onGone(error);
    } else if (failures === 0) onTrouble(error);
    return retryMs(failures++);
  }

  while (!signal.aborted) {
    const pauseMs = await look().catch((error: unknown) => (signal.aborted ? 0 : fail(error)));
    await clock.sleep(pauseMs, { signal }).catch(() => {});
  }
}

/** Whether the resolver has said that there is no such host, or none that has a usable address. */
function hasNone(error: unknown): boolean {
  return (
    error instanceof NoAddressError || (error as NodeJS.ErrnoException | undefined)?.code === "ENOTFOUND"
  );
}

/** Resolves with the address that answers first; undefined when none does. */
async function firstThatAnswers(addresses: readonly string[], reach: Reach): Promise<string | undefined> {
  const tries = addresses.map(async (address) => {
    if (await reach(address)) return address;
    throw new Error(`${address} does not answer`);
  });
  return await Promise.any(tries).catch(() => undefined);
}

class NoAddressError extends TypeError {
  override readonly name = "NoAddressError";
}

async function resolveUsable(host: string, lookup: Lookup): Promise<readonly string[]> {
  if (isIP(host) !== 0) throw new TypeError(`expected an address of a host, got ${host}`);
  const found = await lookup(host);
  const usable = found.filter(isHostAddress);
  if (usable.length > 0) return usable;
  throw new NoAddressError(
    `expected the address of a host for ${JSON.stringify(host)}, got ${found.join(", ") || "none"}`,
  );
}
