import { isEtcdError } from "@msdha/etcd-client";
import type { GroupStatus } from "@msdha/group";
import { CommandError } from "../command-error.ts";
import type { Context } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatRoughly } from "../render/duration.ts";
import { renderList } from "../render/list.ts";
import { plain } from "../render/plain.ts";
import { createStyle } from "../render/style.ts";
import { schema, toJson } from "../render/to-json.ts";
import { readLocal, runDirOf } from "./read-local.ts";
import { type LeftBehind, readRunFolder } from "./read-run-folder.ts";

/** For how many TTLs a node that reaches no etcd may go on. */
const MOST_TTLS = 1.75;

export interface ShowLocalOptions {
  /** Why etcd could not be read. */
  readonly error: unknown;
  readonly json: boolean;
}

/**
 * Shows what the node or the frontend beside this command knows of the group, where etcd does not answer. Always rejects: with a
 * `CommandError` that says so, or with `error` where it is another one, or where nobody here knows anything.
 */
export async function showLocal(
  { environment, now, terminal, write }: Context,
  { group }: { readonly group: string },
  { error, json }: ShowLocalOptions,
): Promise<never> {
  if (!isEtcdError(error, "ERR_ETCD_UNAVAILABLE")) throw error;
  const runDir = runDirOf(environment);
  const known = await readLocal(runDir);
  if (known?.group !== group) {
    const left = describeLeft(await readRunFolder(runDir), now());
    throw new CommandError(
      exitCodes.unavailable,
      [`etcd does not answer: ${error.message}`, ...left].join("\n"),
    );
  }
  const { by, ageMs, status } = known;
  const style = createStyle(terminal.isColourful);
  const age = ageMs === undefined ? "a time that is not known" : formatRoughly(ageMs);
  if (json)
    write(
      `${JSON.stringify({ schema, group, etcd: null, known: { by, ageMs }, ...toJson(status, now()) })}\n`,
    );
  else write(`${renderList(status, { group, now: now(), width: terminal.width, style }).join("\n")}\n`);
  throw new CommandError(
    exitCodes.unavailable,
    `etcd does not answer: this is what ${plain(by)} knows, and etcd has confirmed nothing of it for ${age}${describeAge(status, ageMs)}`,
  );
}

/** A list of nodes that are gone by now looks as one that is of now. */
export function describeAge(
  { master, ttlSeconds = Number.POSITIVE_INFINITY }: Pick<GroupStatus, "master" | "ttlSeconds">,
  ageMs: number | undefined,
): string {
  if (master.kind !== "master" || ageMs === undefined || ageMs < MOST_TTLS * ttlSeconds * 1_000) return "";
  return `: if ${plain(master.name)} reaches no etcd either, it has ended by now`;
}

/** A node has no socket while it waits for its first answer of etcd: that looks as if it did not run. */
function describeLeft({ lastEnd, lastTerm }: LeftBehind, now: number): readonly string[] {
  if (!lastEnd) return [];
  const how = lastEnd.clean ? "ended cleanly" : "may not have ended cleanly";
  const lines = [
    `the local node is not running, or is waiting for etcd; its last run was in state ${lastEnd.state} and ${how} ${formatRoughly(now - lastEnd.at)} ago`,
  ];
  if (lastTerm?.end) {
    const { at, why } = lastTerm.end;
    lines.push(
      `it was the master (token ${lastTerm.token}) until ${formatRoughly(now - at)} ago: ${plain(why)}`,
    );
  } else if (lastTerm)
    lines.push(`it was the master (token ${lastTerm.token}); how that ended is not known yet`);
  return lines;
}
