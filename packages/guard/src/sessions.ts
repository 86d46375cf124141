import { readdir, readFile } from "node:fs/promises";

interface Task {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
}

/**
 * Returns the processes that are in a session which one of `leaders` began, and the descendants of these: everybody may see
 * that, also of another user's processes. What has lost its parent and has a session of its own is not among them.
 */
export async function findSessions(leaders: readonly number[]): Promise<number[]> {
  if (leaders.length === 0) return [];
  const tasks = await readTasks();
  const found = new Set(tasks.filter(({ session }) => leaders.includes(session)).map(({ pid }) => pid));
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const { pid, parent } of tasks) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** All that have not ended. */
async function readTasks(): Promise<Task[]> {
  const tasks: Task[] = [];
  for (const name of await readdir("/proc")) {
    const stat = /^\d+$/.test(name) ? await readFile(`/proc/${name}/stat`, "utf8").catch(() => "") : "";
    // The name itself may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A process whose first thread has ended looks like a zombie while its other threads run.
    const isAlive = !["Z", "X", ""].includes(fields[0] ?? "") || Number(fields[17]) > 1;
    if (isAlive) tasks.push({ pid: Number(name), parent: Number(fields[1]), session: Number(fields[3]) });
  }
  return tasks;
}
