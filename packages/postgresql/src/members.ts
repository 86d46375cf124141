import type { HookContext } from "./context.ts";
import { memberOf } from "./names.ts";

/** Who of the standbys that stream is a node of the group. Whatever else streams (`pg_receivewal`, say) is none. */
export interface Members {
  among(context: HookContext, standbys: readonly string[]): Promise<readonly string[]>;
}

const LONGEST_KNOWN_MS = 5_000;
const PAUSE_MS = 1_000;

/** Asks for the group's nodes at once for a standby that is new, and then once a second until it is one of them. */
export function createMembers(): Members {
  let known: ReadonlySet<string> = new Set();
  let asked = Number.NEGATIVE_INFINITY;
  let askedFor: readonly string[] = [];
  return {
    async among({ clock, store }, standbys) {
      const age = clock.now() - asked;
      const unknown = standbys.filter((standby) => !known.has(standby));
      const isNew = unknown.some((standby) => !askedFor.includes(standby));
      if (
        standbys.length > 0 &&
        (age > LONGEST_KNOWN_MS || isNew || (unknown.length > 0 && age > PAUSE_MS))
      ) {
        asked = clock.now();
        askedFor = unknown;
        // While etcd does not answer, the nodes known before still count.
        const nodes = await store.nodes().catch(() => undefined);
        if (nodes) known = new Set(nodes.map(({ name }) => memberOf(name)));
      }
      return standbys.filter((standby) => known.has(standby));
    },
  };
}
