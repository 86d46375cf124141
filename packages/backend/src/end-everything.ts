import type { KillReport } from "@msdha/guard";
import type { Node } from "./node.ts";
import { type StopPart, startPart, within } from "./stop-time.ts";

/** The main process may take this share of the time before it is suspected of keeping the signal to itself. */
const SUSPECT_AFTER = 1 / 4;

/**
 * Asks everything that runs to end, and resolves when nothing is left or the part of the stop is over.
 *
 * The main process gets the stop signal first, and alone: its own children are its own business. A process that has
 * lost its parent gets the signal then, once: what a wrapper leaves behind is the program. A main process that may
 * keep the signal to itself (a shell that waits for its child, or one that ignores the signal) has its children
 * signalled after a while. What a main process leaves behind that was killed, and not by the stop signal, is no program of its
 * own but a part of one: it gets SIGTERM. (SIGINT has a process of PostgreSQL acknowledge a commit that still waits for a
 * standby.) Hooks that run got SIGTERM when the node's `ended` aborted.
 */
export async function endEverything(node: Node, part: StopPart, end: () => number): Promise<void> {
  const { config, guard, main } = node;
  const { stopSignal } = config;
  let orphanSignal: NodeJS.Signals = stopSignal;
  if (main) {
    const noteExit = ({ signal }: Awaited<typeof main.exited>): void => {
      if (signal && signal !== stopSignal) orphanSignal = "SIGTERM";
    };
    void main.exited.then(noteExit, () => {});
    main.kill(stopSignal);
    const begun = node.clock.now();
    const suspectAt = (): number => begun + SUSPECT_AFTER * (end() - begun);
    using patience = startPart(node, suspectAt, [part.over]);
    const ended = await within(patience, main.exited);
    if (!ended && !part.over.aborted && node.mayKeepSignal(main.pid, stopSignal)) {
      guard.signalOrphans(stopSignal, { childrenOf: main.pid });
    }
    await within(part, main.exited);
  }
  if (part.over.aborted) return;
  guard.signalOrphans(orphanSignal);
  await within(part, guard.gone());
}

/** Counts what had to be killed, by name: "postgres ×3, sleep". */
export function describeKilled({ killed, someKilled }: KillReport): string {
  const counts = new Map<string, number>();
  for (const { name } of someKilled) counts.set(name, (counts.get(name) ?? 0) + 1);
  const names = [...counts].map(([name, count]) => (count === 1 ? name : `${name} ×${count}`));
  const more = killed - someKilled.length;
  return [...names, ...(more > 0 ? [`${more} more`] : [])].join(", ");
}
