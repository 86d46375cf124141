import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { bootTime } from "../support/boot-time.ts";
import { createWaits, type Wait, type Waits } from "./waits.ts";

/** Measures for how long the machine itself keeps the run's processes from going on. */
export interface Machine extends Disposable {
  readonly waits: Waits;
}

const EVERY_MS = 500;

/** Starts to measure: threads that wait for a processor, a file that is written to the disk, and this process' own timer. */
export function watchMachine(folder: string): Machine {
  const waits = createWaits();
  const threads = new Map<string, number>();
  let last = bootTime();
  let writing = false;

  function look(): void {
    const now = bootTime();
    const add = (wait: Omit<Wait, "from" | "to">): void => waits.add({ ...wait, from: last, to: now });
    add({ who: "the run's own timer", ms: now - last - EVERY_MS });
    for (const { host, who, waitedMs } of readThreads()) {
      add({ host, who, ms: waitedMs - (threads.get(who) ?? waitedMs) });
      threads.set(who, waitedMs);
    }
    last = now;
  }

  async function write(): Promise<void> {
    if (writing) return;
    writing = true;
    const from = bootTime();
    const file = await open(join(folder, "written"), "w");
    try {
      await file.write("x");
      await file.sync();
    } finally {
      await file.close();
      writing = false;
    }
    const to = bootTime();
    waits.add({ from, to, who: "the disk", ms: to - from });
  }

  const timer = setInterval(() => {
    look();
    // What ends the run takes the folder away.
    write().catch(() => {});
  }, EVERY_MS);
  return { waits, [Symbol.dispose]: () => clearInterval(timer) };
}

interface Thread {
  readonly host: string;
  readonly who: string;
  /** How long it could have run but did not, since it began. A thread that is stopped does not wait. */
  readonly waitedMs: number;
}

function readThreads(): readonly Thread[] {
  const hosts = new Map(
    readdirSync("/run/netns").map((name) => [`net:[${statSync(`/run/netns/${name}`).ino}]`, name]),
  );
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const host = hosts.get(readlinkSync(`/proc/${pid}/ns/net`)) ?? "hub";
        const command = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
        return readdirSync(`/proc/${pid}/task`).map((thread) => {
          const [, waitedNs] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
          return { host, who: `${host} ${command} ${thread}`, waitedMs: Number(waitedNs) / 1e6 };
        });
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
}
