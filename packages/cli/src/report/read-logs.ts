import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { refuse } from "../command-error.ts";
import { lastLines } from "./last-lines.ts";
import type { ReportFile } from "./report-file.ts";

const LAST_LINES = 2_000;
const LAST_BYTES = 1_000_000;
const JOURNAL_MS = 10_000;

/** Reads the ends of logs: of the files that are named, `-` for standard input, and of the units of systemd where they are. */
export async function readLogs(files: readonly string[]): Promise<readonly ReportFile[]> {
  const named = await Promise.all(files.map(readLog));
  const journal = await readJournal();
  return journal === undefined ? named : [...named, { name: "logs/journal.txt", text: journal }];
}

/** Rejects with a `CommandError` if the file can't be read: the operator has named it. */
async function readLog(file: string, index: number): Promise<ReportFile> {
  if (file === "-")
    return { name: "logs/standard-input.txt", text: lastLines(await readAll(process.stdin), LAST_LINES) };
  const name = basename(file).replaceAll(/[^\w.-]/g, "_");
  try {
    return { name: `logs/${index + 1}-${name}.txt`, text: lastLines(await readEnd(file), LAST_LINES) };
  } catch (error) {
    throw refuse(`can't read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function readEnd(file: string): Promise<string> {
  await using handle = await open(file);
  const stats = await handle.stat();
  const { size } = stats;
  // What is no plain file, as a pipe, says nothing of its size.
  if (!stats.isFile() || size === 0) return await readAll(handle.createReadStream({ autoClose: false }));
  const begin = Math.max(0, size - LAST_BYTES);
  const { buffer, bytesRead } = await handle.read({
    buffer: Buffer.alloc(Math.min(size, LAST_BYTES)),
    position: begin,
  });
  return buffer.toString("utf8", 0, bytesRead);
}

/** Undefined where there is no systemd, or nothing of ours in its journal. */
function readJournal(): Promise<string | undefined> {
  const args = ["--no-pager", "--quiet", "--lines", String(LAST_LINES), "--unit", "msdha-*"];
  return new Promise((resolve) => {
    execFile("journalctl", args, { timeout: JOURNAL_MS, maxBuffer: 8 * LAST_BYTES }, (error, out) =>
      resolve(error || out === "" ? undefined : out),
    );
  });
}
