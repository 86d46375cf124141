import type { HookContext } from "./context.ts";
import { memberOf } from "./names.ts";

/** Who of the standbys that stream is a node of the group. Whatever else streams (`pg_receivewal`, say) is none. */
export interface Members {
  among(context: HookContext, standbys: readonly string[]): Promise<readonly string[]>;
}

const LONGEST_KNOWN_MS = 5_000;
const PAUSE_MS = 1_000;

/** Asks for the group's nodes where a standby is not known, once a second at most, and every five seconds. */
export function createMembers(): Members {
  let known: ReadonlySet<string> = new Set();
  let asked = Number.NEGATIVE_INFINITY;
  return {
    async among({ clock, store }, standbys) {
      const age = clock.now() - asked;
      const unknown = standbys.some((standby) => !known.has(standby));
      if (standbys.length > 0 && (age > LONGEST_KNOWN_MS || (unknown && age > PAUSE_MS))) {
        asked = clock.now();
        // Where etcd does not answer, who was a node still is one.
        const nodes = await store.nodes().catch(() => undefined);
        if (nodes) known = new Set(nodes.map(({ name }) => memberOf(name)));
      }
      return standbys.filter((standby) => known.has(standby));
    },
  };
}
