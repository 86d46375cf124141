import type { HookContext } from "./context.ts";
import type { Master } from "./current-master.ts";
import { messageOf } from "./failure.ts";
import { answerOf } from "./local-server.ts";
import { slotOf } from "./names.ts";

/**
 * Resolves with the node whose data are cloned: with MSDHA_PG_CLONE_FROM=standby one that is ready and has all that the master no
 * longer keeps for this node, so that the clone can go on from there; the master where there is none.
 */
export async function findCloneSource(context: HookContext, master: Master): Promise<Master> {
  const { log, settings, store } = context;
  if (settings.cloneFrom === "master") return master;
  try {
    const slot = slotOf(settings.name);
    const kept = await context
      .peer(master.address)
      .value(`SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = '${slot}'`);
    // Without a slot the master may remove what the clone needs, as long as it takes.
    if (kept === null) return master;
    const ready = (await store.nodes()).filter(
      ({ name, state }) => state === "ready" && name !== settings.name && name !== master.name,
    );
    for (const node of ready) {
      const reaches = await answerOf(
        context
          .peer(node.address)
          .value(`SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= '${kept}'::pg_lsn`),
      );
      if (reaches === "t") return node;
    }
    log(`no ready standby has enough to be cloned (MSDHA_PG_CLONE_FROM): the data of ${master.name} are`);
  } catch (error) {
    context.signal.throwIfAborted();
    log(`no standby can be cloned (MSDHA_PG_CLONE_FROM): ${messageOf(error)}`);
  }
  return master;
}
