import type { HookContext } from "./context.ts";
import { memberOf } from "./names.ts";

/** Who of the standbys that stream is a node of the group. Whatever else streams (`pg_receivewal`, say) is none. */
export interface Members {
  among(context: HookContext, standbys: readonly string[]): Promise<readonly string[]>;
  /** Returns whether these are all other nodes of the group, and no node has changed since the group's nodes were asked for. */
  areAll(context: HookContext, standbys: readonly string[]): boolean;
}

const LONGEST_KNOWN_MS = 5_000;
/** The same where the `node_state_change` hook says when one comes or goes. */
const LONGEST_TOLD_MS = 60_000;
const PAUSE_MS = 1_000;

/**
 * Asks for the group's nodes at once for a standby that is new, and then once a second until it is one of them, and
 * within a second when a node has changed.
 */
export function createMembers(): Members {
  let known: ReadonlySet<string> = new Set();
  let asked = Number.NEGATIVE_INFINITY;
  let askedFor: readonly string[] = [];
  let changes = 0;
  return {
    async among({ clock, nodeChanges, store }, standbys) {
      const age = clock.now() - asked;
      const longestMs = nodeChanges.count === 0 ? LONGEST_KNOWN_MS : LONGEST_TOLD_MS;
      const unknown = standbys.filter((standby) => !known.has(standby));
      const isNew = unknown.some((standby) => !askedFor.includes(standby));
      if (
        standbys.length > 0 &&
        (age > longestMs ||
          isNew ||
          (age > PAUSE_MS && (nodeChanges.count !== changes || unknown.length > 0)))
      ) {
        asked = clock.now();
        askedFor = unknown;
        const { count } = nodeChanges;
        // While the backend does not answer, the nodes known before still count.
        const nodes = await store.nodes().catch(() => undefined);
        changes = nodes ? count : -1;
        if (nodes) known = new Set(nodes.map(({ name }) => memberOf(name)));
      }
      return standbys.filter((standby) => known.has(standby));
    },
    areAll: ({ member, nodeChanges }, standbys) =>
      nodeChanges.count === changes && [...known].every((name) => name === member || standbys.includes(name)),
  };
}
