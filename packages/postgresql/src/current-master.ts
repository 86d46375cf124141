import { existsSync, watch } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@msdha/clock";
import { readText } from "./files.ts";

/** Another node that is the master. */
export interface Master {
  readonly name: string;
  readonly address: string;
}

/** What the backend says of the group, in its run files. */
export interface GroupFiles {
  /** Returns the master; undefined where there is none or it is this node. */
  master(): Master | undefined;
  isMaster(): boolean;
  /**
   * Resolves when one of the files may have changed since it was last asked for here, at the latest after `ms`. Rejects with the
   * signal's reason.
   */
  change(ms: number, signal: AbortSignal): Promise<void>;
}

export function openGroupFiles(runDir: string, name: string, clock: Clock): GroupFiles {
  const read = {
    master: (): string =>
      `${firstLine(join(runDir, "current_master"))}\n${firstLine(join(runDir, "current_master_address"))}`,
    isMaster: (): boolean => existsSync(join(runDir, "is_master")),
  };
  let last: { readonly master?: string; readonly isMaster?: boolean } = {};
  /** A change is told once: who looks at one of the two files only would be told of the other one for ever. */
  const isNew = (): boolean => {
    const now = { master: read.master(), isMaster: read.isMaster() };
    const changed =
      (last.master !== undefined && last.master !== now.master) ||
      (last.isMaster !== undefined && last.isMaster !== now.isMaster);
    if (changed) last = now;
    return changed;
  };
  return {
    master() {
      last = { ...last, master: read.master() };
      const [master = "", address = ""] = last.master?.split("\n") ?? [];
      return master === "" || address === "" || master === name ? undefined : { name: master, address };
    },
    isMaster() {
      const isMaster = read.isMaster();
      last = { ...last, isMaster };
      return isMaster;
    },
    async change(ms, signal) {
      const over = new AbortController();
      const watcher = watchFolder(runDir, () => over.abort());
      try {
        // Nobody watched between the last look and now.
        if (isNew()) return;
        await clock.sleep(ms, { signal: AbortSignal.any([signal, over.signal]) });
      } catch (error) {
        if (signal.aborted) throw error;
      } finally {
        watcher?.close();
      }
    },
  };
}

/** Without a watcher (no inotify instance is left) only the time counts. */
function watchFolder(folder: string, onChange: () => void): { close(): void } | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, (_event, file) => {
      if (file === null || file === "current_master" || file === "is_master") onChange();
    });
    watcher.on("error", () => {});
    return watcher;
  } catch {
    return undefined;
  }
}

function firstLine(path: string): string {
  return readText(path)?.split("\n", 1)[0] ?? "";
}
