import type { HookContext } from "./context.ts";
import { answerOf } from "./local-server.ts";

/** What sorts text here in another version than when the data were made. */
export interface CollationChange {
  readonly what: string;
  readonly recorded: string;
  readonly here: string;
}

/** Warns where the libraries that sort text differ from those that the data were made with: another image, another glibc. */
export interface CollationWatch {
  /** Called every few seconds; asks the server now and then. */
  look(context: HookContext): Promise<void>;
}

const PAUSE_MS = 600_000;
/** The first with a version for each database. */
const DATABASE_VERSIONS = 15;

/** Makes one. */
export function createCollationWatch(): CollationWatch {
  let next = Number.NEGATIVE_INFINITY;
  let logged = "";
  let note: Disposable | undefined;

  return {
    async look(context) {
      const { activity, clock, files, log, server, settings } = context;
      if (clock.now() < next || !server.takesConnections()) return;
      const version = Number.parseInt(files.read(`${settings.data}/PG_VERSION`) ?? "", 10);
      const rows = await answerOf(server.query(changesSql(version)));
      if (!rows) return;
      next = clock.now() + PAUSE_MS;
      const changes = rows.map(([what, recorded, here]) => ({
        what: what ?? "",
        recorded: recorded ?? "",
        here: here ?? "",
      }));
      const line = describeChanges(changes);
      note?.[Symbol.dispose]();
      note = line === "" ? undefined : activity.begin("collations differ from those of the data");
      if (line !== "" && line !== logged) log(line);
      logged = line;
    },
  };
}

/** Returns the line for the log; empty where nothing differs. */
export function describeChanges(changes: readonly CollationChange[]): string {
  if (changes.length === 0) return "";
  const shown = changes.slice(0, 3).map(({ what, recorded, here }) => `${what} ${recorded}, here ${here}`);
  const more = changes.length > 3 ? `, and ${changes.length - 3} more` : "";
  return (
    `text is sorted by other versions than when the data were made (${shown.join("; ")}${more}): indexes on text may be wrong ` +
    "while this node is the master. Run all nodes from one image; after a change of all: REINDEX, then ALTER DATABASE … REFRESH COLLATION VERSION"
  );
}

function changesSql(version: number): string {
  const collations = `SELECT CASE collprovider WHEN 'i' THEN 'ICU' ELSE 'glibc' END, min(collversion),
      min(pg_collation_actual_version(oid))
    FROM pg_collation WHERE collversion <> pg_collation_actual_version(oid) GROUP BY collprovider`;
  if (version < DATABASE_VERSIONS) return collations;
  return `SELECT 'database ' || datname, datcollversion, pg_database_collation_actual_version(oid) FROM pg_database
    WHERE datcollversion <> pg_database_collation_actual_version(oid) UNION ALL ${collations}`;
}
