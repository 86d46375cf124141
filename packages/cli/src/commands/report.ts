import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { createTar } from "nanotar";
import { CommandError, refuse } from "../command-error.ts";
import type { Context } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { schema } from "../render/to-json.ts";
import { collectReport } from "../report/collect-report.ts";
import { type GroupOptions, readSettings } from "../settings.ts";

export interface ReportOptions extends GroupOptions {
  /** Where it is written; `-`: standard output. Default: a name with the group and the time, in this folder. */
  readonly output?: string;
  /** Logs whose ends are added; `-`: standard input. */
  readonly log?: readonly string[];
  readonly json?: boolean;
}

/** Zeros that end an archive; tar complains of fewer. */
const END_BYTES = 1_024;

/** Writes one archive with what a bug report needs: group, history, doctor, settings, and the ends of logs; no secrets. */
export async function report(context: Context, options: ReportOptions): Promise<void> {
  const { group } = readSettings(context.environment, options);
  const stamp = new Date(context.now()).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const folder = `msdha-report-${group}-${stamp}`;
  const { output = `${folder}.tar.gz`, log = [] } = options;
  if (output === "-" && options.json)
    throw new CommandError(exitCodes.usage, "expected either --json or --output -: both use standard output");
  const files = await collectReport(context, { ...options, logs: log });
  const tar = createTar(
    files.map(({ name, text }) => ({ name: `${folder}/${name}`, data: text })),
    { attrs: { mtime: context.now(), uid: 0, gid: 0 } },
  );
  const archive = await promisify(gzip)(Buffer.concat([tar, Buffer.alloc(END_BYTES)]));
  if (output === "-") {
    await new Promise((resolve) => process.stdout.write(archive, resolve));
    return;
  }
  try {
    await writeFile(output, archive, { flag: "wx", mode: 0o600 });
  } catch (error) {
    throw refuse(`can't write ${output}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const names = files.map(({ name }) => name);
  if (options.json) {
    context.write(`${JSON.stringify({ schema, group, file: output, contents: names })}\n`);
    return;
  }
  context.write(
    `${output}: ${names.join(", ")}\nSecrets are hidden (***). Look through it before you give it to others.\n`,
  );
}
