import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { readText, writeWhole } from "./files.ts";

const RECOVERY = [
  ...["recovery_target", "recovery_target_action", "recovery_target_inclusive", "recovery_target_lsn"],
  ...["recovery_target_name", "recovery_target_time", "recovery_target_timeline", "recovery_target_xid"],
  ...["restore_command", "recovery_end_command"],
];

/** Removes what has data recover to some point when they are started: `recovery.signal` and its settings. */
export function forgetRecovery(context: HookContext, folder: string): void {
  context.files.remove(join(folder, "recovery.signal"));
  removeAutoSettings(context, folder, RECOVERY);
}

/** Removes settings of these names from `postgresql.auto.conf`. Returns the names of those that were there. */
export function removeAutoSettings(
  { account }: Pick<HookContext, "account">,
  folder: string,
  names: readonly string[],
): readonly string[] {
  return account.act(() => {
    const auto = join(folder, "postgresql.auto.conf");
    // PostgreSQL starts without it too.
    const lines = (readText(auto) ?? "").split("\n");
    const nameOf = (line: string): string => /^\s*(\w+)/.exec(line)?.[1]?.toLowerCase() ?? "";
    const removed = lines.filter((line) => names.includes(nameOf(line)));
    if (removed.length > 0) {
      writeWhole(auto, lines.filter((line) => !removed.includes(line)).join("\n"), true);
    }
    return [...new Set(removed.map(nameOf))];
  });
}
