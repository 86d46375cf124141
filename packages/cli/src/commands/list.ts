import { systemClock } from "@msdha/clock";
import { type Context, type OpenGroup, openGroup } from "../context.ts";
import { showLocal } from "../local/show-local.ts";
import { fitToHeight } from "../render/fit-to-height.ts";
import { renderList } from "../render/list.ts";
import { createStyle } from "../render/style.ts";
import { schema, toJson } from "../render/to-json.ts";
import { describeView, type SeenGroup } from "../requests/describe-view.ts";
import { followForShow } from "../requests/follow-for-show.ts";
import type { GroupOptions } from "../settings.ts";
import { printChanges } from "./events.ts";

export interface ListCommandOptions extends GroupOptions {
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** How long the members of etcd have to say that they are there. */
const INSPECT_MS = 1_000;
const REDRAW_MS = 1_000;
/** How often a list that is drawn again and again counts the members. */
const COUNT_AGAIN_MS = 5_000;
const USUAL_SIZE = { columns: 80, rows: 24 };

/** Shows the whole group: once, or again and again. */
export async function list(context: Context, options: ListCommandOptions): Promise<void> {
  await using group = openGroup(context, options);
  if (options.watch && (options.json || !context.terminal.isTerminal)) {
    await printChanges(context, group, { follow: true, json: options.json === true });
    return;
  }
  const [status, etcd] = await Promise.all([group.read(), countMembers(group)]).catch((error: unknown) =>
    showLocal(context, group, { error, json: options.json === true }),
  );
  if (options.json) {
    context.write(
      `${JSON.stringify({ schema, group: group.group, etcd, ...toJson(status, context.now()) })}\n`,
    );
    return;
  }
  if (!options.watch) context.write(`${draw(context, group, status, etcd).join("\n")}\n`);
  else await redraw(context, group, etcd);
}

type Members = { readonly reached: number; readonly total: number } | undefined;

/** How many of the endpoints' members answer; undefined where that is not known. */
async function countMembers({ client, etcd }: OpenGroup): Promise<Members> {
  try {
    const members = await client.inspect({ timeoutMs: INSPECT_MS });
    const reached = new Set(members.map(({ memberId }) => memberId)).size;
    return { reached, total: Math.max(reached, etcd.endpoints.length) };
  } catch {
    return undefined;
  }
}

function draw(context: Context, { group }: OpenGroup, status: SeenGroup, etcd: Members): readonly string[] {
  const { now, terminal } = context;
  return renderList(status, {
    group,
    now: now(),
    width: terminal.width,
    style: createStyle(terminal.isColourful),
    etcd,
  });
}

async function redraw(context: Context, group: OpenGroup, first: Members): Promise<void> {
  const { createLogUpdate } = await import("log-update");
  const { stdout } = process;
  // A terminal may say no size, such as that of docker exec in its first moment: a height of 0 would show nothing.
  stdout.columns ||= USUAL_SIZE.columns;
  stdout.rows ||= USUAL_SIZE.rows;
  const update = createLogUpdate(stdout, { showCursor: true });
  let trouble: string | undefined;
  let etcd = first;
  let countedAt = systemClock.now();
  const countAgain = (): void => {
    if (systemClock.now() - countedAt < COUNT_AGAIN_MS) return;
    countedAt = systemClock.now();
    // Never rejects, and takes less long than until the next one.
    void countMembers(group).then((members) => {
      etcd = members;
    });
  };
  const { follower, signal } = followForShow(context, group, {
    onHealth(up) {
      trouble = up ? undefined : "etcd does not answer: this is what was known last";
    },
  });
  try {
    for (;;) {
      const { view } = follower;
      if (view.revision > 0) {
        const members = trouble === undefined ? etcd : undefined;
        const lines = draw(context, group, describeView(view), members);
        const notes = trouble === undefined ? [] : [`▲ ${trouble}`];
        // The last line of the terminal is the cursor's.
        const shown = fitToHeight(lines, (stdout.rows || USUAL_SIZE.rows) - 1 - notes.length);
        update([...shown, ...notes].join("\n"));
      }
      countAgain();
      await follower.changed({ since: view, timeoutMs: REDRAW_MS, signal });
    }
  } finally {
    update.done();
  }
}
