import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { type Environment, readVariable } from "@msdha/settings/given";

/**
 * Returns the name of the node whose container this command runs in: where that ends, so does the command. Undefined anywhere else.
 * `proc`: default: /proc.
 */
export function findOwnContainer(environment: Environment, proc = "/proc"): string | undefined {
  if (!isContainerOfNode(proc)) return undefined;
  // The second is an old misspelling, which nodes understand too.
  return readVariable(environment, "MSDHA_NAME") ?? readVariable(environment, "MSHDA_NAME") ?? hostname();
}

/** Whether the first process here is a node's. */
function isContainerOfNode(proc: string): boolean {
  try {
    return /msdha-(?:guard|backend)/.test(readFileSync(`${proc}/1/cmdline`, "utf8"));
  } catch {
    return false;
  }
}
