import { readdir, readFile, readlink } from "node:fs/promises";
import { waitFor } from "@msdha/testkit";
import { noteSharedMemory } from "./server-memory.ts";

/** What tells that a process belongs to a node. */
export interface ProcessFamily {
  /** The node's supervisor: whatever descends from it belongs to the node. */
  readonly pid?: number | undefined;
  /** So does a process that was started with this setting, whoever its parent is now, */
  readonly setting: string;
  /** and one that works in this folder (PostgreSQL's do, and they hide their settings). */
  readonly folder: string;
}

/**
 * Kills a node as a whole, as when its machine loses power: everything is frozen first, so that nothing of it can
 * notice that something else of it is gone. Resolves when nothing is left, shared memory included.
 */
export async function killFamily(family: ProcessFamily): Promise<void> {
  const frozen = new Set<number>();
  for (;;) {
    const found = (await findFamily(family)).filter((pid) => !frozen.has(pid));
    if (found.length === 0) break;
    for (const pid of found) {
      send(pid, "SIGSTOP");
      frozen.add(pid);
    }
  }
  const removeMemory = await noteSharedMemory(frozen);
  for (const pid of frozen) send(pid, "SIGKILL");
  await waitFor(async () => (await findFamily(family)).length === 0, {
    what: "a killed node's processes to be gone",
  });
  await removeMemory();
}

async function findFamily({ pid, setting, folder }: ProcessFamily): Promise<number[]> {
  const processes = await listProcesses();
  const members = new Set<number>();
  if (pid !== undefined && processes.has(pid)) members.add(pid);
  for (const candidate of processes.keys()) {
    if (await isMarked(candidate, setting, folder)) members.add(candidate);
  }
  for (let before = -1; before !== members.size; ) {
    before = members.size;
    for (const [child, parent] of processes) if (members.has(parent)) members.add(child);
  }
  return [...members];
}

/** Each living process and its parent; zombies are gone already. */
async function listProcesses(): Promise<Map<number, number>> {
  const processes = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    const [, state, parent] = /\) (\S) (\d+) /.exec(stat) ?? [];
    if (parent !== undefined && state !== "Z") processes.set(Number(name), Number(parent));
  }
  return processes;
}

async function isMarked(pid: number, setting: string, folder: string): Promise<boolean> {
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "");
  if (cwd === folder) return true;
  const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  return environment.split("\0").includes(setting);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}
