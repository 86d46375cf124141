import { arch, cpus, release, totalmem, uptime } from "node:os";
import { doctor } from "../commands/doctor.ts";
import { events, history } from "../commands/events.ts";
import { list } from "../commands/list.ts";
import { CALL_MS, type Context, openGroup } from "../context.ts";
import { readLocal, runDirOf } from "../local/read-local.ts";
import { readRunFolder } from "../local/read-run-folder.ts";
import type { GroupOptions } from "../settings.ts";
import { listKeys } from "./list-keys.ts";
import { readLogs } from "./read-logs.ts";
import { createRedactor } from "./redact.ts";
import type { ReportFile } from "./report-file.ts";
import { listSettings } from "./settings-text.ts";

export interface CollectOptions extends GroupOptions {
  /** Logs whose ends are to be in the report; `-`: standard input. */
  readonly logs: readonly string[];
}

const WIDTH = 200;
const MOST_TERMS = 200;

/**
 * Collects all that a bug report needs, with secrets hidden. Each part that can't be had says why in its own file: a report of a group
 * that is not well is still one. Rejects if a log that is named can't be read, or if the settings are wrong.
 */
export async function collectReport(
  context: Context,
  { logs, ...options }: CollectOptions,
): Promise<readonly ReportFile[]> {
  const { environment } = context;
  await using group = openGroup(context, options);
  const run = async (name: string, command: (context: Context) => Promise<unknown>): Promise<ReportFile> => ({
    name,
    text: await capture(context, command),
  });
  const named = await readLogs(logs);
  const readable = { ...options, json: false };
  const json = { ...options, json: true };
  const parts = await Promise.all([
    run("list.txt", (to) => list(to, readable)),
    run("list.json", (to) => list(to, json)),
    run("history.txt", (to) => history(to, { ...readable, count: MOST_TERMS })),
    run("events.txt", (to) => events(to, readable)),
    run("doctor.txt", (to) => doctor(to, readable)),
    run("keys.txt", async ({ write }) => {
      const { prefix } = group.keys;
      const { kvs } = await group.client.range({ key: prefix, prefix: true }, { timeoutMs: CALL_MS });
      write(listKeys(prefix, kvs));
    }),
    run("local.json", async ({ write }) => {
      const runDir = runDirOf(environment);
      const [known, left] = await Promise.all([readLocal(runDir), readRunFolder(runDir)]);
      write(`${JSON.stringify({ runDir, known: known ?? null, left }, undefined, 2)}\n`);
    }),
  ]);
  const redact = createRedactor(environment);
  return [
    { name: "settings.txt", text: listSettings(environment) },
    { name: "machine.txt", text: describeMachine(context) },
    ...parts,
    ...named,
  ].map(({ name, text }) => ({ name, text: redact(text) }));
}

/** Resolves with what a command writes, and the error with which it ends. */
async function capture(context: Context, command: (context: Context) => Promise<unknown>): Promise<string> {
  let text = "";
  const terminal = { isTerminal: false, width: WIDTH, isColourful: false };
  const write = (more: string): void => {
    text += more;
  };
  try {
    await command({ ...context, write, writeNote: write, terminal, confirm: undefined });
  } catch (error) {
    context.signal.throwIfAborted();
    text += `failed: ${error instanceof Error ? error.message : String(error)}\n`;
  }
  return text;
}

function describeMachine({ now }: Context): string {
  const lines = [
    ["time", new Date(now()).toISOString()],
    ["node", process.version],
    ["kernel", release()],
    ["architecture", arch()],
    ["processors", cpus().length],
    ["memory", `${Math.round(totalmem() / 1e6)} MB`],
    ["up for", `${Math.round(uptime())} s`],
    ["user", process.getuid?.() ?? "unknown"],
  ];
  return lines.map(([what, is]) => `${what}: ${is}\n`).join("");
}
