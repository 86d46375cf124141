import { appendFileSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { messageOf } from "./failure.ts";
import { settingsFile } from "./standby-settings.ts";

const LINE = /^include_if_exists = 'msdha.conf'/m;

/** Has `postgresql.conf` include `msdha.conf`. Returns whether it did not. */
export function includeSettings({ account, settings }: Pick<HookContext, "account" | "settings">): boolean {
  const file = mainFile(settings);
  return account.act(() => {
    if (LINE.test(readFileSync(file, "utf8"))) return false;
    appendFileSync(file, "\ninclude_if_exists = 'msdha.conf'\n");
    return true;
  });
}

/** Puts the line back that a tool for configurations, or a person, has taken out while the server runs. */
export interface IncludeWatch {
  /** Called every few seconds, with the file's version. Reads the file when that has changed. */
  look(context: HookContext, version: string | undefined): void;
}

/**
 * Returns a text that changes with postgresql.conf. Undefined where the file is away for a moment, or no node has had these data yet; one
 * for all files that can't be looked at.
 */
export function versionOfSettings(context: HookContext): string | undefined {
  const { account, files, settings } = context;
  try {
    return account.act(() => {
      if (!files.exists(settingsFile(context))) return undefined;
      const found = statSync(mainFile(settings), { throwIfNoEntry: false });
      return found && `${found.ino} ${found.mtimeMs} ${found.size}`;
    });
  } catch {
    return "not readable";
  }
}

/** Makes one. Without the line the next reload takes away whom a standby follows, and whom commits wait for. */
export function createIncludeWatch(): IncludeWatch {
  let seen = "";
  let complaint = "";

  function lookAtFile(context: HookContext, version: string): void {
    const { log, server } = context;
    // A moment later it is there again.
    if (versionOfSettings(context) === undefined) return;
    if (includeSettings(context)) {
      server.reload();
      log(
        "postgresql.conf did not include msdha.conf any more: the line is added again, and the server has reloaded its settings. Until " +
          "now it may have followed nobody, and its commits may have waited for nobody",
      );
    } else seen = version;
  }

  return {
    look(context, version) {
      const { env, log, server } = context;
      if (version === undefined || version === seen) return;
      if (env["MSDHA_STATE"] === "pre_start" || !server.takesConnections()) return;
      try {
        lookAtFile(context, version);
        complaint = "";
      } catch (error) {
        const message = messageOf(error);
        if (message !== complaint) log(`postgresql.conf may not include msdha.conf any more: ${message}`);
        complaint = message;
      }
    },
  };
}

function mainFile({ data }: HookContext["settings"]): string {
  return join(data, "postgresql.conf");
}
