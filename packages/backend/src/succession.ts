import type { Guard } from "@msdha/guard";
import type { Log } from "@msdha/log";
import type { Fence } from "./fence.ts";

/** Another node that holds, or held, the lock which this one had. */
export interface Successor {
  /** undefined for one that has lost the lock by now. */
  readonly name: string | undefined;
  /** The revision in which it took the lock, or in which it became the master if it has lost the lock by now. */
  readonly token: number;
  /** Whether it is the master, too. */
  readonly published: boolean;
}

/** Another node holds the lock that this one had. */
export class OvertakenError extends Error {
  override readonly name = "OvertakenError";
  readonly code = "ERR_OVERTAKEN";

  constructor({ name, token, published }: Successor) {
    const what = published ? "is the master" : "holds the lock";
    super(
      name === undefined
        ? `another node has had the lock meanwhile (revision ${token})`
        : `node ${JSON.stringify(name)} ${what} (token ${token})`,
    );
  }
}

/** What happens to a node that has a successor. */
export interface Succession {
  /** Aborts when another node holds the lock that this one had settled with: there is no grace any more. */
  readonly overtaken: AbortSignal;
  /** Aborts when that node is the master: nothing may be started any more either. */
  readonly succeeded: AbortSignal;
  begin(successor: Successor): void;
}

export interface SuccessionOptions {
  readonly guard: Guard;
  readonly fence: Fence;
  readonly log: Log;
  /** Whether everything of this node has been killed before, but for its `stopped` hook. */
  readonly isCleaningUp: () => boolean;
}

/** Kills everything of a node as soon as it has a successor; once that is the master, its `stopped` hook too. */
export function createSuccession({ guard, fence, log, isCleaningUp }: SuccessionOptions): Succession {
  const overtaken = new AbortController();
  const succeeded = new AbortController();
  return {
    overtaken: overtaken.signal,
    succeeded: succeeded.signal,
    begin(successor) {
      const error = new OvertakenError(successor);
      if (!overtaken.signal.aborted) {
        log.error({ err: error }, "this node is late: everything of it is killed at once");
        overtaken.abort(error);
        // The stopped hook may go on until the kill time, or the other's publication.
        if (!isCleaningUp()) guard.killAll().catch(() => {});
      }
      if (!successor.published || succeeded.signal.aborted) return;
      succeeded.abort(error);
      fence.expire();
    },
  };
}
