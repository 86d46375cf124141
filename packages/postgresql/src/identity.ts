import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { readControlData, requireField } from "./control-data.ts";
import { fail } from "./failure.ts";

/** The cluster that data are of, and the group's: the first that any node claimed. */
export interface ClaimedIdentity {
  readonly ours: string;
  readonly theirs: string;
}

/** Claims the cluster of the data in a folder for the group. */
export async function claimIdentity(context: HookContext, folder: string): Promise<ClaimedIdentity> {
  const control = await readControlData(context, folder);
  const ours = requireField(control, "Database system identifier", folder);
  return { ours, theirs: await context.store.claim("postgresql-system-identifier", ours) };
}

/** Refuses data of another cluster or version, before anything is changed in them. */
export async function checkData(context: HookContext): Promise<void> {
  const { account, files, settings } = context;
  const { data } = settings;
  if (!account.may("w", data)) fail(`PGDATA: the user ${account.userName} can't write to ${data}`);
  const wanted = files.read(join(data, "PG_VERSION"))?.trim() ?? "";
  const program = context.program("postgres");
  const { stdout } = await context.run([program, "--version"]);
  const have = /(\d+)/.exec(stdout)?.[1] ?? "";
  if (wanted !== have) {
    fail(
      `PGDATA: ${data} is of PostgreSQL ${wanted}, the programs in ${program.replace(/\/[^/]*$/, "")} are ${have}`,
    );
  }
  if (!files.exists(join(data, "postgresql.conf"))) fail(`PGDATA: ${data} has no postgresql.conf`);
  const { ours, theirs } = await claimIdentity(context, data);
  if (ours !== theirs) {
    fail(`PGDATA: ${data} belongs to another cluster (system identifier ${ours}, the group's is ${theirs})`);
  }
}
