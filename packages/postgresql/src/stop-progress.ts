import type { HookContext } from "./context.ts";
import { answerOf } from "./local-server.ts";
import type { Lsn } from "./lsn.ts";
import { lagBehind, type MasterPosition } from "./master-position.ts";
import { POSITION_SQL, readPosition } from "./position.ts";
import { quoteSql } from "./quoting.ts";
import { formatSize } from "./sizes.ts";

/** A standby, and how much it lacks of what the master had when its stop began. */
export interface Behind {
  readonly name: string;
  readonly bytes: number;
}

/** Returns the standbys for a log line: `b lacks 61 MB, c lacks 2 kB`. */
export function describeBehind(standbys: readonly Behind[]): string {
  if (standbys.length === 0) return "no standby is connected";
  return standbys
    .map(({ name, bytes }) => (bytes > 0 ? `${name} lacks ${formatSize(bytes)}` : `${name} has everything`))
    .join(", ");
}

/** Resolves with the standbys that stream from this node's server, and what they lack; undefined where it does not answer. */
export async function standbysBehind(
  { server, settings }: HookContext,
  target: Lsn,
): Promise<readonly Behind[] | undefined> {
  const rows = await answerOf(
    server.query(`SELECT application_name, pg_wal_lsn_diff(coalesce(flush_lsn, '0/0'), '0/0')
      FROM pg_stat_replication WHERE usename = '${quoteSql(settings.replicator)}' AND application_name <> 'msdha hook'
      ORDER BY application_name`),
  );
  return rows?.map(([name, flushed]) => ({ name: name ?? "", bytes: lack(target, BigInt(flushed ?? 0)) }));
}

const LOOK_MS = 1_000;
const FIRST_LINE_MS = 3_000;
const PAUSE_MS = 10_000;

/**
 * Logs what a server that shuts down still sends, until it has ended: it sends everything to its standbys first, and
 * takes no question meanwhile. So the standbys are asked.
 */
export async function logShutdown(
  context: HookContext,
  target: Lsn,
  nodes: readonly { readonly name: string; readonly address: string }[],
): Promise<void> {
  const { clock, log, server, settings } = context;
  const others = nodes.filter(({ name }) => name !== settings.name);
  const began = clock.now();
  for (let next = began + FIRST_LINE_MS; server.isRunning(); ) {
    await context.sleep(LOOK_MS);
    if (clock.now() < next || server.takesConnections() || !server.isRunning()) continue;
    const behind = await Promise.all(others.map((node) => behindOf(context, node, { bytes: target })));
    const known = behind.filter((one) => one !== undefined);
    const seconds = Math.round((clock.now() - began) / 1_000);
    log(
      `the server is still shutting down after ${seconds} s, and sends what is left: ${describeBehind(known)}`,
    );
    next = clock.now() + PAUSE_MS;
  }
}

/** Where the log of a master ends: on its timeline, and where that and those before it began, as far as they are known. */
export type LogEnd = { readonly bytes: Lsn } & Partial<Pick<MasterPosition, "timeline" | "branches">>;

/** Resolves with what another node lacks, by its own word; undefined where it does not answer. What it has of another history counts for nothing. */
export async function behindOf(
  context: HookContext,
  { name, address }: { readonly name: string; readonly address: string },
  { bytes, timeline, branches = [] }: LogEnd,
): Promise<Behind | undefined> {
  const rows = await answerOf(context.peer(address).query(POSITION_SQL));
  const position = readPosition(rows?.[0]);
  if (!position) return undefined;
  if (timeline === undefined) return { name, bytes: lack(bytes, position.bytes) };
  return { name, bytes: lagBehind(position, { master: "", bytes, timeline, branches }) };
}

function lack(target: Lsn, has: Lsn): number {
  return has >= target ? 0 : Number(target - has);
}
