import { BlockList, isIP } from "node:net";

const nobody = new BlockList();
nobody.addSubnet("0.0.0.0", 8, "ipv4");
nobody.addSubnet("224.0.0.0", 3, "ipv4");
nobody.addAddress("::", "ipv6");
nobody.addSubnet("ff00::", 8, "ipv6");

/** Whether this is an IP address that one host can have: not "any", multicast or broadcast, and without a zone. */
export function isHostAddress(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && !address.includes("%") && !nobody.check(address, version === 4 ? "ipv4" : "ipv6");
}
