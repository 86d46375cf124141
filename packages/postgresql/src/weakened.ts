import type { HookContext } from "./context.ts";
import { answerOf } from "./local-server.ts";
import { syncSettingsFile } from "./standby-settings.ts";

/** Says where settings of a running server undo what MSDHA_PG_SYNC promises. It changes none of them. */
export interface WeakenedWatch {
  /** Called every few seconds; asks the server now and then. */
  look(context: HookContext): Promise<void>;
}

/** What a server has that matters for commits which wait. */
export interface SyncSettings {
  readonly isMaster: boolean;
  readonly fsync: string;
  readonly standbyNames: string;
  /** What MSDHA set; undefined where it has set nothing, or is about to. */
  readonly wantedNames: string | undefined;
  readonly commit: string;
  /** The roles and databases that set `synchronous_commit` for themselves (`role batch in database app`), and its value there. */
  readonly commitOf: readonly { readonly whose: string; readonly value: string }[];
}

const PAUSE_MS = 30_000;
/** Until what was found is settled. */
const SHORT_PAUSE_MS = 10_000;
/** A server takes over new settings within this time. */
const RELOAD_MS = 1_000;
const NOT_WAITING = ["local", "off", "false", "no", "0"];

/** Makes one. It remembers what it has logged. */
export function createWeakenedWatch(): WeakenedWatch {
  let next = Number.NEGATIVE_INFINITY;
  let logged: readonly string[] = [];
  let note: Disposable | undefined;

  return {
    async look(context) {
      const { activity, clock, log, server, settings } = context;
      if (settings.sync === "off" || clock.now() < next || !server.takesConnections()) return;
      const found = await readSyncSettings(context);
      if (!found) return;
      const lines = describeWeakened(found);
      next = clock.now() + (lines.length === 0 ? PAUSE_MS : SHORT_PAUSE_MS);
      for (const line of lines.filter((one) => !logged.includes(one))) log(line);
      if (logged.length > 0 && lines.length === 0)
        log(`MSDHA_PG_SYNC=${settings.sync} holds again on this node`);
      logged = lines;
      note?.[Symbol.dispose]();
      note = lines.length === 0 ? undefined : activity.begin(`settings undo MSDHA_PG_SYNC=${settings.sync}`);
    },
  };
}

/** Returns the lines for the log; none where commits wait as they should. */
export function describeWeakened(found: SyncSettings): readonly string[] {
  const { commit, commitOf, fsync, isMaster, standbyNames, wantedNames } = found;
  const lines: string[] = [];
  if (fsync === "off") {
    lines.push("fsync is off: commits that this node reports as written may be lost when its machine fails");
  }
  if (!isMaster) return lines;
  if (wantedNames !== undefined && wantedNames !== standbyNames) {
    lines.push(
      `synchronous_standby_names is '${standbyNames}', and not '${wantedNames}' as MSDHA set it: commits that are acknowledged may be on no ` +
        "standby that could be promoted. Run ALTER SYSTEM RESET synchronous_standby_names, take it out of postgresql.conf, and reload",
    );
  }
  const weak = [{ whose: "the server", value: commit }, ...commitOf].filter(({ value }) =>
    NOT_WAITING.includes(value.toLowerCase()),
  );
  for (const { whose, value } of weak) {
    lines.push(
      `synchronous_commit is ${value} for ${whose}: those commits are acknowledged before a standby has them`,
    );
  }
  return lines;
}

/** Resolves with undefined where the server does not answer. */
async function readSyncSettings(context: HookContext): Promise<SyncSettings | undefined> {
  const wantedNames = readWanted(context);
  const first = await ask(context);
  if (!first || first.standbyNames === wantedNames) return first && { ...first, wantedNames };
  // MSDHA may have set it just now.
  await context.sleep(RELOAD_MS);
  const second = await ask(context);
  return second && { ...second, wantedNames: readWanted(context) === wantedNames ? wantedNames : undefined };
}

function readWanted(context: HookContext): string | undefined {
  const text = context.files.read(syncSettingsFile(context)) ?? "";
  return /^synchronous_standby_names = '(.*)'$/m.exec(text)?.[1];
}

async function ask({ group, server }: HookContext): Promise<Omit<SyncSettings, "wantedNames"> | undefined> {
  // A row for the server, and one for each role and database with a setting of its own.
  const rows = await answerOf(
    server.query(`SELECT pg_is_in_recovery(), current_setting('fsync'), current_setting('synchronous_standby_names'),
        (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'), whose, value
      FROM (SELECT) AS server LEFT JOIN (
        SELECT concat_ws(' in ', 'role ' || rolname, 'database ' || datname), split_part(one, '=', 2)
        FROM pg_db_role_setting CROSS JOIN unnest(setconfig) AS one
          LEFT JOIN pg_roles ON pg_roles.oid = setrole LEFT JOIN pg_database ON pg_database.oid = setdatabase
        WHERE one LIKE 'synchronous\\_commit=%') AS own (whose, value) ON true
      ORDER BY whose`),
  );
  const [standby, fsync, standbyNames, commit] = rows?.[0] ?? [];
  if (!rows || !fsync || !commit) return undefined;
  const own = rows.map((row) => row.slice(4)).filter(([, value]) => value !== null && value !== undefined);
  return {
    isMaster: standby === "f" && group.isMaster(),
    fsync,
    standbyNames: standbyNames ?? "",
    commit,
    commitOf: own.map(([whose, value]) => ({ whose: whose || "all roles", value: value ?? "" })),
  };
}
