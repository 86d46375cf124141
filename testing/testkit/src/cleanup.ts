/** What must not outlive this process, undone synchronously when it exits or a signal ends it. */
const undos = new Set<() => void>();
const endingSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
let armed = false;

/**
 * Has `undo` run when this process exits, also by SIGINT, SIGTERM or SIGHUP; a SIGKILL can't be caught. The returned
 * function takes it back.
 */
export function undoAtExit(undo: () => void): () => void {
  arm();
  undos.add(undo);
  return () => undos.delete(undo);
}

function arm(): void {
  if (armed) return;
  armed = true;
  process.on("exit", undoAll);
  for (const signal of endingSignals) {
    process.once(signal, () => {
      undoAll();
      // The handler is gone by now (`once`): unless someone else listens too, the signal does what it always does.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}

function undoAll(): void {
  for (const undo of [...undos].reverse()) {
    undos.delete(undo);
    try {
      undo();
    } catch {
      // Best effort: one thing that is gone already must not keep the others alive.
    }
  }
}
