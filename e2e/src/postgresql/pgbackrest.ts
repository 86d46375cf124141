import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";

/** The command of a pgBackRest whose repository and files are in this folder. */
export function pgBackRestIn(folder: string, stanza = "main"): string {
  const config = join(folder, "pgbackrest.conf");
  for (const name of ["repo", "log", "lock"]) makeOpen(join(folder, name));
  writeFileSync(
    config,
    `[global]\nrepo1-path=${folder}/repo\nlog-path=${folder}/log\nlock-path=${folder}/lock\n` +
      "log-level-console=warn\nlog-level-file=off\nrepo1-retention-full=2\nstart-fast=y\ncompress-level=0\n",
  );
  return `pgbackrest --config=${config} --stanza=${stanza}`;
}

/** The settings of a group that archives and backs up with it. */
export function backUpWith(tool: string): Readonly<Record<string, string>> {
  const here = '--pg1-path="$PGDATA" --pg1-socket-path="$PGHOST" --pg1-port="$PGPORT" --pg1-user="$PGUSER"';
  return {
    MSDHA_PG_ARCHIVE_COMMAND: `${tool} --pg1-path="$PGDATA" archive-push %p`,
    MSDHA_PG_RESTORE_COMMAND: `${tool} --pg1-path="$PGDATA" archive-get %f "%p"`,
    MSDHA_PG_BACKUP_COMMAND: `${tool} ${here} stanza-create && ${tool} ${here} backup`,
  };
}

/** A folder that the server's user may write to. */
export function openFolder(): ReturnType<typeof tempDir> {
  const place = tempDir();
  chmodSync(place.path, 0o777);
  return place;
}

function makeOpen(path: string): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o777);
}
