import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { readControlData } from "./control-data.ts";
import type { Master } from "./current-master.ts";
import { fail } from "./failure.ts";
import { walFiles } from "./history.ts";
import { parseLsn, segmentNumber } from "./lsn.ts";
import { leftAt, timelineOf } from "./parted.ts";
import { logFolder, timestamp } from "./place.ts";
import { newestTimeline } from "./timeline.ts";

/**
 * Keeps the files of the log away from the server in which the master's history left ours: what they hold from there on
 * may be the beginning of a record that was never finished, and a standby does not read again what it has. It gets them
 * from the master. Resolves with false where the master does not answer.
 */
export async function setLogAside(context: HookContext, { name, address }: Master): Promise<boolean> {
  const { account, settings } = context;
  const peer = context.peer(address);
  const names = account.act(() => walFiles(settings.data));
  const own = newestTimeline(names);
  const timeline = await timelineOf(peer);
  if (timeline === undefined) return false;
  if (own === undefined || own >= timeline) return true;
  const left = await leftAt(peer, timeline, own, "at");
  if (left === undefined) return false;
  if (left === null) return true;
  const segmentBytes = Number((await readControlData(context)).get("Bytes per WAL segment"));
  const first = segmentNumber(parseLsn(left), segmentBytes);
  // Beside the folder that they are in: files can't be renamed from one volume to another.
  const folder = logFolder(context);
  const isLinked = folder !== join(settings.data, "pg_wal");
  const aside = `${isLinked ? folder : settings.data}.msdha-old-wal-${timestamp()}`;
  for (const file of names.filter((one) => isFrom(one, first, timeline))) {
    try {
      (isLinked ? account.act : context.inParent)(() => {
        if (!existsSync(aside)) mkdirSync(aside, { mode: 0o700 });
        renameSync(join(folder, file), join(aside, file));
      });
    } catch (error) {
      fail(`PGDATA: can't move ${join(folder, file)} to ${aside}`, { cause: error });
    }
    context.log(`${file}, in which the history of ${name} left ours, is kept in ${aside}`);
  }
  return true;
}

/** A file of an older timeline than this one, with this place in the log or a later one. */
function isFrom(file: string, first: string, timeline: number): boolean {
  const name = /^([0-9A-F]{8})([0-9A-F]{16})(\.partial)?$/.exec(file);
  if (!name) return false;
  const [, digits = "", number = ""] = name;
  return number >= first && Number.parseInt(digits, 16) < timeline;
}
