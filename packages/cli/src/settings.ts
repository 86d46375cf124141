import { type EtcdSettings, readEtcdSettings } from "@msdha/etcd-client";
import { isName } from "@msdha/group";
import { type Environment, readGiven } from "@msdha/settings/given";
import { CommandError } from "./command-error.ts";
import { exitCodes } from "./exit-codes.ts";

/** Which group, and where its etcd is. */
export interface Settings {
  readonly etcd: EtcdSettings;
  readonly group: string;
}

/** What the command line may say instead of the environment. */
export interface GroupOptions {
  readonly group?: string | undefined;
  readonly endpoints?: string | undefined;
}

/**
 * Reads the variables that nodes and frontends have, `ETCDCTL_*` and `MSDHA_GROUP`, or the files that `NAME_FILE` names.
 * Throws a `CommandError` with one line for each that is wrong.
 */
export function readSettings(environment: Environment, { group, endpoints }: GroupOptions): Settings {
  const problems: string[] = [];
  const name = group ?? readGroup(environment, problems);
  if (name !== undefined && !isName(name)) {
    problems.push(
      `${group === undefined ? "MSDHA_GROUP" : "--group"}: expected a name of 1 to 253 characters without / or white space, not beginning with _ . or -, got ${JSON.stringify(name)}`,
    );
  }
  const wrong: string[] = [];
  const etcd = readEtcd(
    endpoints === undefined
      ? environment
      : { ...environment, ETCDCTL_ENDPOINTS: endpoints, ETCDCTL_ENDPOINTS_FILE: undefined },
    wrong,
  );
  // As it was given.
  const names = endpoints === undefined ? "$&" : "--endpoints:";
  problems.push(...wrong.map((each) => each.replaceAll(/^ETCDCTL_ENDPOINTS:/gm, names)));
  if (problems.length > 0 || name === undefined || etcd === undefined) {
    throw new CommandError(exitCodes.configuration, problems.join("\n"));
  }
  return { etcd, group: name };
}

function readGroup(environment: Environment, problems: string[]): string | undefined {
  const given = readGiven(environment, "MSDHA_GROUP");
  switch (given?.kind) {
    case "value":
    case "file":
      return given.value;
    case "both":
      problems.push("MSDHA_GROUP: expected either MSDHA_GROUP or MSDHA_GROUP_FILE, not both");
      return undefined;
    case "unreadable":
      problems.push(`MSDHA_GROUP_FILE: expected the path of a file that can be read (${given.code})`);
      return undefined;
    default:
      problems.push("MSDHA_GROUP: expected a group's name, here or as --group: it is required");
      return undefined;
  }
}

function readEtcd(environment: Environment, problems: string[]): EtcdSettings | undefined {
  try {
    return readEtcdSettings(environment);
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
