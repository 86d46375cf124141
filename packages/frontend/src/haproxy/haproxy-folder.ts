import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import type { HaproxySettings } from "./haproxy-settings.ts";
import type { HaproxyUser } from "./haproxy-user.ts";

/**
 * Makes HAProxy's folder anew, with its configuration, for the user that it will run as; before each start, since anybody
 * may have removed something of it. Throws what the file system says.
 */
export function writeHaproxyFolder(
  { folder, configFile, text }: Pick<HaproxySettings, "folder" | "configFile" | "text">,
  user: HaproxyUser | undefined,
): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(configFile, text, { mode: 0o600 });
  chmodSync(folder, 0o700);
  if (!user) return;
  for (const path of [configFile, folder]) chownSync(path, user.uid, user.gid);
}
