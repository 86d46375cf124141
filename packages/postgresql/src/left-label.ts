import { statSync } from "node:fs";
import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";

/**
 * Throws a `HookFailure` where data in which a server has run have a `backup_label` that was written since: by a backup that was not ended
 * before the server crashed (an exclusive one, up to PostgreSQL 14), or in a copy that was made meanwhile. A server would begin at the
 * older point of the log that it names, and wait for ever where that, or the end of the backup, is missing. The data of clones and backup
 * tools have no `postmaster.opts` before their first start.
 */
export function refuseLeftLabel({ account, settings: { data } }: HookContext): void {
  const [label, options] = account.act(() =>
    ["backup_label", "postmaster.opts"].map((name) => statSync(join(data, name), { throwIfNoEntry: false })),
  );
  if (!label || !options || label.mtimeMs <= options.mtimeMs) return;
  fail(
    `PGDATA: ${data} has a backup_label that is newer than the last start of its server, which would begin at an older point of its log: ` +
      "remove backup_label if it was left by a backup that was not ended; if a backup was restored here, remove postmaster.opts",
  );
}
