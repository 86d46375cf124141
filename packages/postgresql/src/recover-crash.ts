import type { HookContext } from "./context.ts";
import { readControlData } from "./control-data.ts";
import { complaintOf, runSingleUser } from "./single-user.ts";

/**
 * Recovers the data of a master that crashed, where no other node is the master, before they are started as a standby's.
 * A standby opens only when it knows all transactions that were running, and the log of a master that crashed with one
 * of more than 64 subtransactions never says so: a whole group that lost its power would wait for ever.
 */
export async function recoverCrash(context: HookContext): Promise<void> {
  const { files, group, settings } = context;
  const { data } = settings;
  if (group.master() || files.exists(`${data}/backup_label`)) return;
  const state = (await readControlData(context)).get("Database cluster state");
  if (state !== "in production" && state !== "in crash recovery") return;
  using _ = context.activity.begin("recovering the data after a crash");
  context.log("the server was the master and crashed, and there is no other: recovering its data first");
  files.remove(`${data}/standby.signal`);
  const result = await runSingleUser(context, data);
  if (result.code !== 0)
    context.log(`the recovery failed, and the start will tell why: ${complaintOf(result)}`);
}
