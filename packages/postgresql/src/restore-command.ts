import type { HookContext } from "./context.ts";

/** Resolves with the server's restore command, as its settings say: MSDHA's or a site's own. Empty where there is none. */
export async function readRestoreCommand(context: HookContext): Promise<string> {
  const { code, stdout } = await context.run([
    ...[context.program("postgres"), "-D", context.settings.data, "-C", "restore_command"],
  ]);
  return code === 0 ? stdout.trim() : "";
}
