import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The files by which a node tells the programs beside it how things are. Each is written whole or not at all. */
export interface RunFiles {
  /** The id of this run, new each time. */
  readonly runId: string;
  /** The id of the run that used this folder before. */
  readonly formerRunId: string | undefined;
  setMaster(isMaster: boolean): Promise<void>;
  /**
   * Writes `current_master` and `current_master_address`; both are empty when there is none. Writes in order, and
   * nothing when they say so already.
   */
  setCurrentMaster(master: CurrentMaster | undefined): Promise<void>;
}

interface CurrentMaster {
  readonly name: string;
  readonly address: string;
}

/**
 * Opens a folder and removes what a former run left in it. Rejects with the file system's error when it can't be
 * written to. The caller has made sure that it is there and that no other run uses it.
 */
export async function openRunFiles(dir: string): Promise<RunFiles> {
  const path = (name: string): string => join(dir, name);
  const formerRunId = await readId(path("run_id"));
  const runId = randomUUID();
  await rm(path("is_master"), { force: true });
  await writeAtomically(path("run_id"), `${runId}\n`);
  let written: string | undefined;
  let lastWrite = writeMaster(undefined);
  await lastWrite;

  async function writeMaster(master: CurrentMaster | undefined): Promise<void> {
    const [name, address] = master ? [`${master.name}\n`, `${master.address}\n`] : ["", ""];
    if (written === name + address) return;
    written = undefined;
    await writeAtomically(path("current_master_address"), address);
    await writeAtomically(path("current_master"), name);
    written = name + address;
  }

  return {
    runId,
    formerRunId,
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
  };
}

async function readId(file: string): Promise<string | undefined> {
  try {
    const text = (await readFile(file, "utf8")).trim();
    return text === "" ? undefined : text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** A draft that a killed run left is written over by the next one. */
async function writeAtomically(file: string, text: string): Promise<void> {
  const draft = `${file}.new`;
  await writeFile(draft, text);
  await rename(draft, file);
}
