import type { SynchronousServer } from "@msdha/postgresql";
import type { Random } from "./random.ts";
import { counts, type Server, type Walsender } from "./server.ts";
import { NOT_YET, type Owner, type Tasks } from "./tasks.ts";

/** What of a server's behaviour can be switched off, to see whether the rule that rests on it is needed. */
export interface ServerRules {
  /** Only nodes of the group count, and not whatever else streams. */
  readonly onlyMembers: boolean;
}

/** Returns a simulated server as the master whose commits wait. */
export function openMasterServer(
  server: Server,
  {
    tasks,
    random,
    members,
    rules,
  }: {
    readonly tasks: Tasks;
    readonly random: Random;
    readonly members: readonly string[];
    readonly rules: ServerRules;
  },
): SynchronousServer {
  const ask = <T>(act: () => T | typeof NOT_YET): Promise<T> => tasks.ask(server as Owner, act);
  const open = (): readonly Walsender[] => server.walsenders.filter((sender) => sender.open);
  return {
    flushed: () => ask(() => BigInt(server.log.length)),
    connected: (since) =>
      ask(() => {
        const names = open()
          .filter(
            ({ standby, flushed }) =>
              BigInt(flushed) >= since && (!rules.onlyMembers || members.includes(standby)),
          )
          .map(({ standby }) => standby);
        return [...new Set(names)].sort();
      }),
    async waitFor(needed, standbys) {
      server.configured = { needed, standbys };
      await ask(() => (server.known === server.configured ? undefined : NOT_YET));
    },
    nobodyCounts: () =>
      ask(() => {
        if (!server.walsenders.some(counts)) return undefined;
        if (random.oneIn(8)) throw new Error("a connection of a standby does not read its settings");
        return NOT_YET;
      }),
    disconnect: (standbys) =>
      ask(() => {
        const ended = server.walsenders.filter(({ standby }) => standbys.includes(standby));
        if (ended.some(({ frozen }) => frozen)) throw new Error("a connection of a standby does not end");
        server.walsenders = server.walsenders.filter((sender) => !ended.includes(sender));
        return undefined;
      }),
    enoughHave: (position, needed, standbys) =>
      ask(() => {
        const having = open().filter(
          ({ standby, flushed }) => standbys.includes(standby) && BigInt(flushed) >= position,
        );
        const has = new Set(having.map(({ standby }) => standby)).size >= needed;
        return has || random.oneIn(4) ? has : NOT_YET;
      }),
    checkpoint: () =>
      ask(() => {
        server.waits = server.configured.needed > 0;
        return undefined;
      }),
  };
}
