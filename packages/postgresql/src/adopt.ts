import { join } from "node:path";
import type { HookContext } from "./context.ts";
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
  const adopter = await store.claim("postgresql-adopted", name);
  if (adopter !== name) {
    context.log(`the group's data are those of ${adopter}: these are used as a copy of them`);
    return;
  }
  using _ = context.activity.begin("taking data into the group");
  context.log(`taking the data in ${data} into the group: access for ${settings.replicator}`);
  await giveAccess(context, data);
}
