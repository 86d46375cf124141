import { readdirSync } from "node:fs";
import type { HookContext } from "./context.ts";
import type { Peer } from "./peer.ts";

/**
 * Resolves with why the tablespaces of another server can't be copied to where they belong on this machine; undefined where they can, or
 * where there are none. They have the same place on all nodes, so the old ones of this node are in the way of new ones.
 */
export async function whyNoTablespaces({ account }: HookContext, peer: Peer): Promise<string | undefined> {
  const rows = await peer.query(
    "SELECT place FROM pg_tablespace, pg_tablespace_location(oid) AS place WHERE place LIKE '/%' ORDER BY place",
  );
  const taken = rows
    .map(([place]) => place ?? "")
    .find((place) => {
      try {
        return account.act(() => readdirSync(place)).length > 0;
      } catch {
        // It is made, or pg_basebackup says why it can't be.
        return false;
      }
    });
  return taken === undefined
    ? undefined
    : `${taken}, the folder of a tablespace, exists but is not empty: move what is in it elsewhere`;
}
