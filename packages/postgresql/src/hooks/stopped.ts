import type { HookContext } from "../context.ts";
import { checkEnd } from "../end-check.ts";
import { plannedMark } from "./pre-start.ts";

/**
 * After the server is gone and before the lock is handed over. After a planned stop the next master may begin at once
 * only if the shutdown was clean and a ready standby has received everything. After a crash there is nothing to check.
 * `bin/msdha-postgresql` does not even start it then, nor where the helper has made the check (early-check.ts).
 */
export async function stopped(context: HookContext): Promise<string> {
  const { env, files } = context;
  if (!env["MSDHA_FENCING_TOKEN"] || !files.exists(plannedMark(context))) return "";
  await checkEnd(context);
  return "";
}
