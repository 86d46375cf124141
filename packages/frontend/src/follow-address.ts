import { BlockList, isIP } from "node:net";
import type { Clock } from "@msdha/clock";

/** Resolves a host name to all its IP addresses, as `dns.lookup` does. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export interface FollowAddressOptions {
  readonly lookup: Lookup;
  readonly clock: Clock;
  /** How long an address is taken for good. */
  readonly intervalMs: number;
  readonly signal: AbortSignal;
  /** Called with the first address, and with each that takes its place. */
  readonly onAddress: (address: string) => void;
  /** Called when the host can't be resolved, once until it can again. */
  readonly onTrouble: (error: unknown) => void;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 1_000;

/**
 * Follows the address of a host until `signal` aborts, and resolves then. The address stays as it is for as long as
 * the host has it, among others, and also while the host can't be resolved. An IP address is itself, and called with
 * before this returns.
 */
export async function followAddress(host: string, options: FollowAddressOptions): Promise<void> {
  const { lookup, clock, intervalMs, signal, onAddress, onTrouble } = options;
  if (isUsable(host)) return onAddress(host);
  let address: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    let pauseMs = intervalMs;
    try {
      const found = (await resolveUsable(host, lookup)) as [string, ...string[]];
      if (signal.aborted) return;
      failures = 0;
      if (address === undefined || !found.includes(address)) {
        [address] = found;
        onAddress(address);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (failures === 0) onTrouble(error);
      pauseMs = Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS);
      failures += 1;
    }
    await clock.sleep(pauseMs, { signal }).catch(() => {});
  }
}

async function resolveUsable(host: string, lookup: Lookup): Promise<readonly string[]> {
  if (isIP(host) !== 0) throw new TypeError(`expected an address of a host, got ${host}`);
  const found = await lookup(host);
  const usable = found.filter(isUsable);
  if (usable.length > 0) return usable;
  throw new TypeError(
    `expected the address of a host for ${JSON.stringify(host)}, got ${found.join(", ") || "none"}`,
  );
}

const nobody = new BlockList();
nobody.addSubnet("0.0.0.0", 8, "ipv4");
nobody.addSubnet("224.0.0.0", 3, "ipv4");
nobody.addAddress("::", "ipv6");
nobody.addSubnet("ff00::", 8, "ipv6");

/** Whether this is an IP address that one host can have: not "any", multicast or broadcast, and without a zone. */
function isUsable(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && !address.includes("%") && !nobody.check(address, version === 4 ? "ipv4" : "ipv6");
}
