import { readdir, readFile } from "node:fs/promises";

interface Task {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
}

/** What is left of sessions. */
export interface Sessions {
  /** Those who began a session that still has a process. The number of another may be given to a stranger at any time. */
  readonly leaders: readonly number[];
  readonly pids: readonly number[];
}

/**
 * Finds the processes that are in a session which one of `leaders` began, and the descendants of these: everybody may see
 * that, also of another user's processes. What has lost its parent and has a session of its own is not among them.
 */
export async function findSessions(leaders: readonly number[]): Promise<Sessions> {
  if (leaders.length === 0) return { leaders, pids: [] };
  const tasks = await readTasks();
  const members = tasks.filter(({ session }) => leaders.includes(session));
  const found = new Set(members.map(({ pid }) => pid));
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const { pid, parent } of tasks) if (found.has(parent)) found.add(pid);
  }
  return { leaders: [...new Set(members.map(({ session }) => session))], pids: [...found] };
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
