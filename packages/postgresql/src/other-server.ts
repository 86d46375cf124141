import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { readControlData } from "./control-data.ts";
import { fail } from "./failure.ts";

/*
 * A server of another image, or one that was started by hand, does not know the lock of the data. PostgreSQL's own check knows process
 * ids, which say nothing between containers. But each server writes its command line into its data.
 */

/** Only a server that MSDHA starts has this on its command line. */
const OURS = "restart_after_crash=off";

/** Returns whether the server that was last started on this node's data was not one of MSDHA's. */
export function wasStartedByOthers({ files, settings }: Pick<HookContext, "files" | "settings">): boolean {
  const commandLine = files.read(optionsFile(settings));
  return commandLine !== undefined && !commandLine.includes(OURS);
}

/** Rejects with a `HookFailure` where a server that MSDHA did not start works in data that a node has had, or may do so. */
export async function refuseOtherServer(context: HookContext): Promise<void> {
  const { files, server, settings } = context;
  const { data } = settings;
  const pids = server.processes();
  if (pids.length > 0) {
    fail(
      `PGDATA: a server that this node did not start works in ${data} (process ${pids[0]}): stop it first`,
    );
  }
  if (!wasStartedByOthers(context)) return;
  const state = (await readControlData(context)).get("Database cluster state") ?? "";
  if (state.startsWith("shut down") && !files.exists(join(data, "postmaster.pid"))) return;
  fail(
    `PGDATA: a server that this node did not start was started on ${data}, and may still run, in another container or on another machine: ` +
      `stop it. If you know that it does not run any more, remove ${optionsFile(settings)}`,
  );
}

/**
 * Has this node's server end where another one was started on its data while it ran: both write into them. PostgreSQL finds that out too,
 * but only once a minute.
 */
export function endBesideOtherServer(context: HookContext): void {
  if (!wasStartedByOthers(context)) return;
  const killed = context.server.kill();
  fail(
    `another server was started on ${context.settings.data}, in another container or on another machine, while this node's works in them: ` +
      `killed its ${killed} processes. The data may be damaged: have the node copy them again (msdha reinit)`,
  );
}

function optionsFile({ data }: HookContext["settings"]): string {
  return join(data, "postmaster.opts");
}
