import { runBackupCommand } from "./backup-commands.ts";
import { makeBaseBackup } from "./base-backups.ts";
import type { HookContext } from "./context.ts";
import { messageOf } from "./failure.ts";

/** Makes the backups of a master: after its promotion, and when the last one is too old. One at a time. */
export interface Backups {
  /** Makes one now. */
  make(context: HookContext): Promise<void>;
  /** Called every few seconds. Makes one if it is time for it; does nothing on a node that is not the master. */
  look(context: HookContext): Promise<void>;
}

/** Where the group notes its last backup: `TIME LABEL`. */
export const LAST_BACKUP_KEY = "postgresql-backup";

const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;

/** Makes one. It remembers for a master when the last backup was made, and when one that failed is tried again. */
export function createBackups(): Backups {
  let running = false;
  let last: { readonly token: string; readonly at: number } | undefined;
  let failures = 0;
  let notBefore = Number.NEGATIVE_INFINITY;

  async function make(context: HookContext): Promise<void> {
    const { clock, env, log, settings, store } = context;
    if (running || (settings.archive === "" && settings.backupCommand === "")) return;
    running = true;
    try {
      const label = settings.archive === "" ? await runBackupCommand(context) : await makeBaseBackup(context);
      last = { token: env["MSDHA_FENCING_TOKEN"] ?? "", at: Date.now() };
      failures = 0;
      log(`made the base backup ${label}`);
      await store.put(LAST_BACKUP_KEY, `${new Date(last.at).toISOString()} ${label}`);
    } catch (error) {
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
      failures += 1;
      notBefore = clock.now() + pauseMs;
      log(`the base backup failed and will be tried again in ${pauseMs / 60_000} min: ${messageOf(error)}`);
    } finally {
      running = false;
    }
  }

  async function lastTime({ env, store }: HookContext): Promise<number> {
    const token = env["MSDHA_FENCING_TOKEN"] ?? "";
    if (last?.token !== token) {
      const [time = ""] = (await store.get(LAST_BACKUP_KEY))?.split(" ") ?? [];
      last = { token, at: Date.parse(time) || Number.NEGATIVE_INFINITY };
    }
    return last.at;
  }

  return {
    make,
    async look(context) {
      const { clock, env, group, settings } = context;
      if (settings.archive === "" && settings.backupCommand === "") return;
      if (env["MSDHA_STATE"] !== "master" || !group.isMaster()) return;
      if (running || clock.now() < notBefore) return;
      // A time far ahead is of a clock that was wrong.
      if (Math.abs(Date.now() - (await lastTime(context))) < settings.backupIntervalMs) return;
      await make(context);
    },
  };
}
