import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";

/** What `pg_controldata` prints, by the name of its fields. */
export type ControlData = ReadonlyMap<string, string>;

/** Resolves with the control data of a data directory; empty where they can't be read. */
export async function readControlData(context: HookContext, folder?: string): Promise<ControlData> {
  const { code, stdout } = await context.run(
    ["env", "LC_ALL=C", context.program("pg_controldata"), folder ?? context.settings.data],
    {},
  );
  return code === 0 ? parseControlData(stdout) : new Map();
}

/** Returns the fields of the text that `pg_controldata` prints. */
export function parseControlData(text: string): ControlData {
  const fields = text.split("\n").map((line): [string, string] => {
    const end = line.indexOf(":");
    return [line.slice(0, end), line.slice(end + 1).trim()];
  });
  return new Map(fields.filter(([name]) => name !== ""));
}

/** Returns a field, or throws a `HookFailure` that names the folder. */
export function requireField(data: ControlData, field: string, folder: string): string {
  return data.get(field) ?? fail(`PGDATA: pg_controldata can't read ${folder}`);
}

/**
 * Returns whether the server was the master when it last ran. (A clone that has not been started yet carries the state
 * of the server that it was made from. A standby that was killed is in archive recovery; in crash recovery is a master
 * whose server crashed and then ended before it was up again, as on a full disk. What it wrote last may be half a
 * record, which no standby gets beyond.)
 */
export async function wasMaster(context: HookContext): Promise<boolean> {
  if (context.files.exists(`${context.settings.data}/backup_label`)) return false;
  const state = (await readControlData(context)).get("Database cluster state") ?? "";
  return ["in production", "in crash recovery", "shut down", "shutting down"].includes(state);
}
