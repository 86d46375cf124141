import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { readControlData, requireField } from "./control-data.ts";
import { fail } from "./failure.ts";
import { giveAccess } from "./group-access.ts";
import { incompleteMark, settingsFile } from "./standby-settings.ts";

/**
 * Prepares data that were no group's before, such as a volume of another image, for the nodes of this group: the replication
 * user, its rights, its lines in pg_hba.conf. Only one node ever does so, while the group has no master: two that changed
 * copies of the same data would part. Does nothing for data that a node has had. Rejects for data that are not a primary's.
 */
export async function adopt(context: HookContext): Promise<void> {
  const { files, group, settings, store } = context;
  const { data, name } = settings;
  if (files.exists(settingsFile(context)) || files.exists(incompleteMark(context)) || group.master()) return;
  for (const file of ["standby.signal", "recovery.signal", "backup_label"]) {
    if (!files.exists(join(data, file))) continue;
    fail(
      `PGDATA: ${data} has a ${file}: expected data of a primary that was shut down, to take them into the group`,
    );
  }
  await requireShutDown(context);
  const adopter = await store.claim("postgresql-adopted", name);
  if (adopter !== name) {
    context.log(`the group's data are those of ${adopter}: these are used as a copy of them`);
    return;
  }
  using _ = context.activity.begin("taking data into the group");
  context.log(`taking the data in ${data} into the group: access for ${settings.replicator}`);
  files.write(beginMark(context), "", { sync: true });
  await giveAccess(context, data, { archives: true });
  files.remove(beginMark(context));
}

/** In data that a node has begun to take into the group: it may have been killed meanwhile. */
function beginMark({ settings }: HookContext): string {
  return join(settings.data, "msdha.adopting");
}

/** A server of another image does not hold the lock by which this one would notice it. */
async function requireShutDown(context: HookContext): Promise<void> {
  if (context.files.exists(beginMark(context))) return;
  const { data } = context.settings;
  const state = requireField(await readControlData(context), "Database cluster state", data);
  if (state === "shut down") return;
  fail(
    `PGDATA: the server of ${data} was not shut down (${state}), or still runs: expected data of a primary that was shut down, to take ` +
      "them into the group. Start it once more where it was, and stop it",
  );
}
