import type { HookContext } from "./context.ts";
import { messageOf } from "./failure.ts";
import { answerOf } from "./local-server.ts";
import { slotOf } from "./names.ts";
import { quoteSql } from "./quoting.ts";

/** Drops, on the master, the slots of nodes that do not come back. They keep log, and may hold back vacuum. */
export interface SlotWatch {
  /** Called every few seconds; does something once a minute at most. */
  look(context: HookContext): Promise<void>;
}

const LOOK_MS = 60_000;

/** Makes one. A new master counts anew how long a node has been gone. */
export function createSlotWatch(): SlotWatch {
  const goneSince = new Map<string, number>();
  let next = Number.NEGATIVE_INFINITY;

  return {
    async look(context) {
      const { clock, group, log, server, settings, store } = context;
      if (!group.isMaster() || settings.slotForgetMs === Number.POSITIVE_INFINITY) return goneSince.clear();
      if (clock.now() < next) return;
      next = clock.now() + Math.min(LOOK_MS, settings.slotForgetMs);
      const rows = await answerOf(
        server.query(`SELECT slot_name FROM pg_replication_slots
          WHERE slot_name LIKE 'msdha\\_%' AND slot_type = 'physical' AND NOT active`),
      );
      if (!rows) return;
      const idle = rows.map(([slot]) => slot ?? "");
      // A node that is there and does not stream keeps its slot: it is about to come back.
      const nodes = idle.length > 0 ? await store.nodes().catch(() => undefined) : [];
      if (!nodes) return;
      const present = new Set(nodes.map(({ name }) => slotOf(name)));
      const gone = idle.filter((slot) => !present.has(slot));
      for (const slot of goneSince.keys()) if (!gone.includes(slot)) goneSince.delete(slot);
      for (const slot of gone) {
        const since = goneSince.get(slot) ?? clock.now();
        goneSince.set(slot, since);
        if (clock.now() - since < settings.slotForgetMs) continue;
        try {
          await server.query(`SELECT pg_drop_replication_slot('${quoteSql(slot)}')`);
          log(`dropped the slot ${slot}, as its node has been gone for so long (MSDHA_PG_SLOT_FORGET)`);
          goneSince.delete(slot);
        } catch (error) {
          log(`the slot ${slot} of a node that is gone can't be dropped: ${messageOf(error)}`);
        }
      }
    },
  };
}
