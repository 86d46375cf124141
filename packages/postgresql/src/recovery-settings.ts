import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HookContext } from "./context.ts";

/** Removes what has data recover to some point when they are started: `recovery.signal` and its settings. */
export function forgetRecovery(context: HookContext, folder: string): void {
  context.files.remove(join(folder, "recovery.signal"));
  removeAutoSettings(context, folder, ["recovery_target", "restore_command", "recovery_end_command"]);
}

/** Removes settings that begin with one of these names from `postgresql.auto.conf`. */
export function removeAutoSettings(
  { account }: Pick<HookContext, "account">,
  folder: string,
  names: readonly string[],
): void {
  account.act(() => {
    const auto = join(folder, "postgresql.auto.conf");
    const lines = readFileSync(auto, "utf8").split("\n");
    const kept = lines.filter((line) => !names.some((name) => line.startsWith(name)));
    if (kept.length < lines.length) writeFileSync(auto, kept.join("\n"));
  });
}
