import { isIP } from "node:net";
import { networkInterfaces } from "node:os";

export type Interfaces = () => ReturnType<typeof networkInterfaces>;

/**
 * Whether a connection to an address, on the port that we listen on, would come back to us: then each client would
 * take every connection there is. `listening` are the addresses that we listen on.
 */
export function isOwnAddress(
  address: string,
  listening: readonly string[],
  { interfaces = networkInterfaces }: { readonly interfaces?: Interfaces } = {},
): boolean {
  if (listening.includes(address)) return true;
  const everywhere = listening.includes("::") || (listening.includes("0.0.0.0") && isIP(address) === 4);
  if (!everywhere) return false;
  if (address.startsWith("127.") || address === "::1") return true;
  return Object.values(interfaces()).some((entries) => entries?.some((entry) => entry.address === address));
}
