import { connectEtcd, type Etcd } from "@msdha/etcd-client";
import { type GroupKeys, groupKeys, readGroup } from "@msdha/group";
import type { Environment } from "@msdha/settings/given";
import { describeView, type SeenGroup } from "./requests/describe-view.ts";
import type { GroupOptions, Settings } from "./settings.ts";
import { readSettings } from "./settings.ts";

/** What a command has to do with: where it writes, whom it asks, and what time it is. */
export interface Context {
  readonly environment: Environment;
  readonly write: (text: string) => void;
  /** Writes what is no result, to standard error. */
  readonly writeNote: (text: string) => void;
  /** Whether standard output is a terminal that can be drawn on again, and how wide it is. */
  readonly terminal: { readonly isTerminal: boolean; readonly width: number; readonly isColourful: boolean };
  /** Asks a question that is answered with yes or no; undefined: nobody is there to answer. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
  /** The wall clock, in ms since 1970. */
  readonly now: () => number;
  /** Aborts when the command should end. */
  readonly signal: AbortSignal;
}

/** A group that a command is connected to. */
export interface OpenGroup extends Settings, AsyncDisposable {
  readonly client: Etcd;
  readonly keys: GroupKeys;
  /** Aborts when the command should end. */
  readonly signal: AbortSignal;
  /** Reads the whole group at one revision. */
  read(): Promise<SeenGroup>;
}

/** How long a read may take. */
export const CALL_MS = 5_000;

/** Connects to the group that options and environment name. Throws a `CommandError` if they are wrong. */
export function openGroup({ environment, signal }: Context, options: GroupOptions): OpenGroup {
  const settings = readSettings(environment, options);
  const client = connectEtcd(settings.etcd);
  return {
    ...settings,
    client,
    keys: groupKeys(settings.group),
    signal,
    read: async () => describeView(await readGroup(client, settings.group, { timeoutMs: CALL_MS, signal })),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}
