import { type GroupView, mastership } from "@msdha/group";
import type { Environment } from "@msdha/settings";
import type { BackendConfig } from "./config.ts";
import type { HookName } from "./hooks.ts";

/** What the environment of a hook holds, apart from the node's own variables. */
export interface HookContext {
  readonly hook: HookName;
  readonly state: string;
  readonly view: GroupView;
  /** The lock's, in the hooks of a node that holds it. */
  readonly fencingToken?: number | undefined;
}

/** What the main process and the hooks have in common: the node's own environment without etcd's address and secrets. */
export function baseEnvironment(
  environment: Environment,
  config: BackendConfig,
  { commandDir }: { readonly commandDir: string },
): Readonly<Record<string, string>> {
  const own = {
    MSDHA_GROUP: config.group,
    MSDHA_NAME: config.name,
    MSDHA_ADDRESS: config.address,
    MSDHA_TTL: String(config.ttlSeconds),
    MSDHA_RUN_DIR: config.runDir,
  };
  // A variable must not be given twice, by its value and by a file.
  const files = new Set(Object.keys(own).map((name) => `${name}_FILE`));
  const kept = Object.entries(environment).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      !files.has(entry[0]) &&
      (config.hooksEtcdctl || !entry[0].startsWith("ETCDCTL_")),
  );
  const { PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" } = environment;
  return {
    ...Object.fromEntries(kept),
    PATH: `${commandDir}:${PATH}`,
    MSDHA_NODE: process.execPath,
    ...own,
  };
}

/** Returns the whole environment of one run of a hook. */
export function hookEnvironment(
  base: Readonly<Record<string, string>>,
  { hook, state, view, fencingToken }: HookContext,
): Readonly<Record<string, string>> {
  const master = mastership(view);
  const known = master.kind === "master";
  return {
    ...base,
    MSDHA_HOOK: hook,
    MSDHA_STATE: state,
    MSDHA_MASTER: known ? master.name : "",
    MSDHA_MASTER_ADDRESS: known ? master.address : "",
    ...(fencingToken === undefined ? {} : { MSDHA_FENCING_TOKEN: String(fencingToken) }),
  };
}
