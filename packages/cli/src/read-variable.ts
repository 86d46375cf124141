import { type Environment, readGiven } from "@msdha/settings/given";

/**
 * Returns what a variable says, or the file that `NAME_FILE` names; undefined where neither is given or the file can't be read. For
 * what a command only looks at: a node or a frontend says itself what is wrong with it.
 */
export function readVariable(environment: Environment, name: string): string | undefined {
  const given = readGiven(environment, name);
  return given === undefined || given.kind === "unreadable" ? undefined : given.value || undefined;
}
