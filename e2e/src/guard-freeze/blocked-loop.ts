import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import type { TestNode } from "../support/node.ts";

/** What a node needs in its environment so that its event loop can be blocked. */
export const blockable: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--import=${new URL("block-loop.ts", import.meta.url)}`,
};

const BLOCKED = "the event loop is blocked";

/**
 * Blocks the event loop of a supervisor, as a loop that does not end would: its sockets stay open, its other threads
 * go on. Resolves when it stands still, with what lets it go on.
 */
export async function blockLoop(node: TestNode): Promise<() => void> {
  const file = join(node.runDir, "blocked-by-test");
  writeFileSync(file, "");
  node.child.send("SIGURG");
  await waitFor(() => isBlocked(node), { what: `${node.name} to be blocked` });
  return () => rmSync(file);
}

/** Whether a supervisor has told that it stands still, and nothing since. */
export function isBlocked(node: TestNode): boolean {
  return node.child.running && node.log().trimEnd().endsWith(BLOCKED);
}
