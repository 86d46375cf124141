import { type Context, openGroup } from "../context.ts";
import { plain } from "../render/plain.ts";
import { schema } from "../render/to-json.ts";
import { findMaster } from "../requests/find-master.ts";
import { readView } from "../requests/read-view.ts";
import type { GroupOptions } from "../settings.ts";

/** Prints the name of the master, and nothing else. Throws if there is none. */
export async function master(
  context: Context,
  options: GroupOptions & { readonly json?: boolean },
): Promise<void> {
  await using group = openGroup(context, options);
  const { name, token, address } = findMaster(await readView(group));
  if (options.json)
    context.write(
      `${JSON.stringify({ schema, group: group.group, master: name, masterAddress: address, token })}\n`,
    );
  else context.write(`${plain(name)}\n`);
}
