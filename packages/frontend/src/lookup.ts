import { lookup } from "node:dns/promises";

/** All IP addresses of a host, as the system resolves it: /etc/hosts, search domains and DNS, in the system's order. */
export async function lookupHost(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true, order: "verbatim" });
  return found.map(({ address }) => address);
}
