import type { HookContext } from "./context.ts";
import { readControlData } from "./control-data.ts";
import { fail, messageOf } from "./failure.ts";
import { answerOf } from "./local-server.ts";
import { formatSettingLines, parseSettingLines, raiseToControl, restsOnControl } from "./setting-lines.ts";
import { settingOptions } from "./site-args.ts";
import { groupSettingsFile } from "./standby-settings.ts";

/** Lines `NAME = VALUE`, put by `msdha-postgresql settings`. */
const KEY = "postgresql-settings";
/** Each time is a request to etcd. */
const PAUSE_MS = 30_000;

/**
 * Writes the group's settings beside the data, before the server starts. Where etcd can't be asked, or holds what can't be, the settings
 * of last time stay, and the log says so.
 */
export async function writeGroupSettings(context: HookContext): Promise<boolean> {
  const { files, log, store } = context;
  try {
    const text = await store.get(KEY);
    const wanted = parseSettingLines(text ?? "");
    // For most settings no program is needed.
    const control = wanted.some(restsOnControl) ? await readControlData(context) : new Map<string, string>();
    const { settings, kept } = raiseToControl(wanted, control);
    const lines = formatSettingLines(settings);
    const before = files.read(groupSettingsFile(context)) ?? "";
    if (lines === before) return false;
    for (const { name, value } of kept) {
      log(`${name} stays ${value}: a standby does not start with less than its master had`);
    }
    files.write(groupSettingsFile(context), lines);
    return true;
  } catch (error) {
    context.signal.throwIfAborted();
    log(`the group's settings of PostgreSQL are not taken over: ${messageOf(error)}`);
    return false;
  }
}

/** Takes over the group's settings while the server runs, and says which of them wait for a restart. */
export interface GroupSettingsWatch {
  /** Called every few seconds; asks now and then. */
  look(context: HookContext): Promise<void>;
}

export function createGroupSettingsWatch(): GroupSettingsWatch {
  let next = Number.NEGATIVE_INFINITY;
  let pending = "";
  let note: Disposable | undefined;

  async function lookForPending({ activity, log, server }: HookContext): Promise<void> {
    const names = await answerOf(
      server.value("SELECT string_agg(name, ', ' ORDER BY name) FROM pg_settings WHERE pending_restart"),
    );
    if (names === undefined || (names ?? "") === pending) return;
    pending = names ?? "";
    note?.[Symbol.dispose]();
    note = pending === "" ? undefined : activity.begin(`a restart is needed for ${pending}`);
    if (pending !== "")
      log(`settings that wait for a restart of this node: ${pending} (msdha restart --rolling)`);
  }

  return {
    async look(context) {
      const { clock, server } = context;
      if (clock.now() < next || !server.takesConnections()) return;
      next = clock.now() + PAUSE_MS;
      if (await writeGroupSettings(context)) {
        server.reload();
        context.log("took over the group's settings of PostgreSQL");
        // The server needs a moment to read them.
        await context.sleep(1_000);
      }
      await lookForPending(context);
    },
  };
}

/** Prints the group's settings; with a text as argument, makes that the group's settings, on the master. */
export async function settingsCommand(context: HookContext): Promise<string> {
  const { args, log, settings, store } = context;
  const [text] = args;
  if (text === undefined) return (await store.get(KEY)) ?? "";
  let lines: ReturnType<typeof parseSettingLines>;
  try {
    lines = parseSettingLines(text);
  } catch (error) {
    return fail(messageOf(error));
  }
  // The server's own program knows each name and its values.
  const given = settingOptions(["lc_messages=C", ...lines.map(({ name, value }) => `${name}=${value}`)]);
  const checked = await context.run([
    context.program("postgres"),
    "-D",
    settings.data,
    ...given,
    "-C",
    "port",
  ]);
  if (checked.code !== 0) {
    const complaint = checked.stderr.split("\n").find((line) => /FATAL|ERROR/.test(line)) ?? checked.stderr;
    fail(`PostgreSQL refuses these settings: ${complaint.replace(/^.*?(FATAL|ERROR):\s*/, "").trim()}`);
  }
  await store.put(KEY, text.endsWith("\n") || text === "" ? text : `${text}\n`);
  log(`the group has ${lines.length} settings now: each node takes them over within ${PAUSE_MS / 1_000} s`);
  return "";
}
