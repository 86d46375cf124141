import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type FormerEnd, readEnd, writeEnd } from "./former-end.ts";
import { type FormerTerm, readFormerTerm, writeFormerTerm } from "./last-term.ts";

/** The files in which the programs beside a node find its state. Each is written whole or not at all. */
export interface RunFiles {
  /** The id of this run, new each time. */
  readonly runId: string;
  /** The id of the run that used this folder before. */
  readonly formerRunId: string | undefined;
  /** How that run left; undefined when nothing is known of one, or when it ran no hook. */
  readonly formerEnd: FormerEnd | undefined;
  setMaster(isMaster: boolean): Promise<void>;
  /**
   * Writes `current_master` and `current_master_address`; both are empty when there is none. Writes in order, and
   * nothing when they say so already.
   */
  setCurrentMaster(master: CurrentMaster | undefined): Promise<void>;
  /** Writes `last_end`, which is this run's `formerEnd` for the next one. What ends a clean one's survives a power cut. */
  setEnd(end: FormerEnd): Promise<void>;
  /** What the last run that was published knew of its time as the master; undefined if none was. */
  readonly formerTerm: FormerTerm | undefined;
  /** Writes `last_term`, which is this run's `formerTerm` for the next one. */
  setTerm(term: FormerTerm): Promise<void>;
  /** Removes what is only true while the node runs; nothing of it is written any more. */
  close(): Promise<void>;
}

interface CurrentMaster {
  readonly name: string;
  readonly address: string;
}

const ONLY_WHILE_IT_RUNS = ["is_master", "current_master", "current_master_address"] as const;

/** Returns the files that must not outlive the node, however it ends. */
export function volatileFiles(dir: string): readonly string[] {
  return ONLY_WHILE_IT_RUNS.map((name) => join(dir, name));
}

/**
 * Opens a folder and removes what a former run left in it. Rejects with the file system's error when it can't be
 * written to. The caller has made sure that it is there and that no other run uses it.
 */
export async function openRunFiles(dir: string): Promise<RunFiles> {
  const path = (name: string): string => join(dir, name);
  const formerRunId = (await readText(path("run_id"))).trim() || undefined;
  const formerEnd = readEnd(await readText(path("last_end")));
  const formerTerm = readFormerTerm(await readText(path("last_term")));
  const runId = randomUUID();
  await rm(path("is_master"), { force: true });
  await writeAtomically(path("run_id"), `${runId}\n`);
  let written: string | undefined;
  let closed = false;
  let lastWrite = writeMaster(undefined);
  await lastWrite;

  async function writeMaster(master: CurrentMaster | undefined): Promise<void> {
    const [name, address] = master ? [`${master.name}\n`, `${master.address}\n`] : ["", ""];
    if (closed || written === name + address) return;
    written = undefined;
    await writeAtomically(path("current_master_address"), address);
    await writeAtomically(path("current_master"), name);
    written = name + address;
  }

  return {
    runId,
    formerRunId,
    formerEnd,
    formerTerm,
    async setMaster(isMaster) {
      if (isMaster) await writeFile(path("is_master"), "");
      else await rm(path("is_master"), { force: true });
    },
    setCurrentMaster(master) {
      lastWrite = lastWrite.then(
        () => writeMaster(master),
        () => writeMaster(master),
      );
      return lastWrite;
    },
    setTerm: (term) => writeAtomically(path("last_term"), writeFormerTerm(term)),
    async setEnd(end) {
      await writeAtomically(path("last_end"), writeEnd(end));
      if (end.state === "pre_start") await flush(path("last_end"));
    },
    async close() {
      closed = true;
      await lastWrite.catch(() => {});
      for (const file of volatileFiles(dir)) await rm(file, { force: true });
    },
  };
}

/** Empty for a file that is not there. */
async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** A draft that a killed run left is written over by the next one. */
async function writeAtomically(file: string, text: string): Promise<void> {
  const draft = `${file}.new`;
  await writeFile(draft, text);
  await rename(draft, file);
}

/** Resolves when a file and its name are on the disk. */
async function flush(file: string): Promise<void> {
  for (const path of [file, dirname(file)]) {
    await using handle = await open(path, "r");
    await handle.sync();
  }
}
