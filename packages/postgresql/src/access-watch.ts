import type { HookContext } from "./context.ts";
import { HookFailure, messageOf } from "./failure.ts";
import { PeerRefusedError } from "./peer.ts";
import { quoteSql } from "./quoting.ts";

/**
 * Says what this node lacks to connect to another one's server. What streams goes on over a connection that is open, so a `pg_hba.conf` that
 * was replaced, a password that was changed or a right that was taken would only show at the next fail-over.
 */
export interface AccessWatch {
  /** Called every few seconds. Tries one other node each half minute, in turn. */
  look(context: HookContext): Promise<void>;
}

const PAUSE_MS = 30_000;

const FUNCTIONS = [
  "pg_ls_dir(text, boolean, boolean)",
  "pg_stat_file(text, boolean)",
  "pg_read_binary_file(text)",
  "pg_read_binary_file(text, bigint, bigint, boolean)",
];

/** Makes one. It remembers what it has logged. */
export function createAccessWatch(): AccessWatch {
  let next = Number.NEGATIVE_INFINITY;
  let turn = 0;
  /** What was logged and is not settled, by the name of the node. */
  const complaints = new Map<string, string>();
  let note: Disposable | undefined;

  function record({ activity, log }: HookContext, name: string, complaint: string): void {
    if (complaint === (complaints.get(name) ?? "")) return;
    if (complaint === "") complaints.delete(name);
    else complaints.set(name, complaint);
    log(complaint || `nothing is missing any more for this node to follow ${name}`);
    note?.[Symbol.dispose]();
    const names = [...complaints.keys()].join(" ");
    note = names === "" ? undefined : activity.begin(`can't follow ${names} after a fail-over`);
  }

  return {
    async look(context) {
      const { clock, env, server, settings, store } = context;
      if (env["MSDHA_STATE"] === "pre_start" || clock.now() < next || !server.takesConnections()) return;
      next = clock.now() + PAUSE_MS;
      const others = await store.nodes().catch(() => undefined);
      if (!others) return;
      const serving = others
        .filter(({ name, state }) => name !== settings.name && ["ready", "master"].includes(state))
        .sort((one, other) => one.name.localeCompare(other.name));
      for (const name of [...complaints.keys()]) {
        // A node that is gone may come back with other settings.
        if (!others.some((one) => one.name === name)) record(context, name, "");
      }
      turn += 1;
      const node = serving[turn % serving.length];
      if (!node) return;
      const complaint = await findComplaint(context, node);
      if (complaint !== undefined) record(context, node.name, complaint);
    },
  };
}

/** Resolves with what is missing, empty where nothing is, and with undefined where that node does not answer. */
async function findComplaint(
  { group, peer, settings }: HookContext,
  { address, name }: { readonly address: string; readonly name: string },
): Promise<string | undefined> {
  try {
    const lacks = (await peer(address).newSession(lackedSql(settings.replicator)))[0]?.[0] ?? "";
    await peer(address).tryToStream();
    // Rights are in the log: what the master has, all have.
    if (lacks === "" || group.master()?.address !== address) return "";
    return `what the replication user needs in the database postgres is missing on the master ${name}. Run there: ${lacks}`;
  } catch (error) {
    if (!(error instanceof HookFailure) && !(error instanceof PeerRefusedError)) return undefined;
    return `this node can't open a new connection to ${name}, as it must to follow it after a fail-over: ${messageOf(error)}`;
  }
}

/** Returns a question for the statements that would give a role what it lacks; NULL where it lacks nothing. */
function lackedSql(replicator: string): string {
  const role = quoteSql(`"${replicator}"`);
  const functions = FUNCTIONS.map((one) => `'${one}'`).join(", ");
  return `SELECT nullif(concat_ws('; ',
      CASE WHEN NOT pg_has_role('pg_monitor', 'USAGE') THEN 'GRANT pg_monitor TO ${role}' END,
      (SELECT 'GRANT EXECUTE ON FUNCTION ' || string_agg(one, ', ') || ' TO ${role}'
        FROM unnest(ARRAY[${functions}]) AS one WHERE NOT has_function_privilege(one, 'EXECUTE'))), '')`;
}
