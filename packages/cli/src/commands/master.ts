import { type Context, openGroup } from "../context.ts";
import { plain } from "../render/plain.ts";
import { findMaster } from "../requests/find-master.ts";
import { readView } from "../requests/read-view.ts";
import type { GroupOptions } from "../settings.ts";

/** Prints the name of the master, and nothing else. Throws if there is none. */
export async function master(context: Context, options: GroupOptions): Promise<void> {
  await using group = openGroup(context, options);
  const { name } = findMaster(await readView(group));
  context.write(`${plain(name)}\n`);
}
