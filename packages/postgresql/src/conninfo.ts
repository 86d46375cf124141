import { quoteConninfo } from "./quoting.ts";
import { sessionOptions } from "./session-options.ts";
import type { Settings } from "./settings.ts";

/** Variables of clients that say what the text of `conninfo` leaves open, such as the password. A server is a client of its master. */
export const CLIENT_VARIABLES: readonly string[] = [
  ...["PGHOSTADDR", "PGPASSWORD", "PGSERVICE", "PGSERVICEFILE"],
  ...["PGTARGETSESSIONATTRS", "PGREQUIREAUTH", "PGREQUIREPEER", "PGCHANNELBINDING", "PGGSSENCMODE"],
  ...["PGSSLMODE", "PGREQUIRESSL", "PGSSLNEGOTIATION", "PGSSLROOTCERT", "PGSSLCRL", "PGSSLCRLDIR"],
];

/**
 * Returns how PostgreSQL's own programs reach another server as the replication user; the password is in a file. Only
 * what streams for good is called by the node's member name (`standby`): a clone in the making must not count as one.
 * The server drops such a standby also when its connection takes no data (a process of the server that waits for that
 * would hold up its checkpoints), as late as twice `wal_sender_timeout`. `version`: the servers' major version, where it is known.
 */
export function conninfo(
  { port, replicator, home, logicalSlots, tls, walSenderTimeoutMs }: Settings,
  address: string,
  { standby, version }: { readonly standby?: string; readonly version?: number } = {},
): string {
  const parts = [
    `host='${quoteConninfo(address)}' port=${port} user='${quoteConninfo(replicator)}'`,
    `passfile='${quoteConninfo(`${home}/pgpass`)}' application_name='${standby ?? "msdha hook"}' connect_timeout=3`,
  ];
  const options =
    standby === undefined ? sessionOptions(version) : `-c tcp_user_timeout=${2 * walSenderTimeoutMs}`;
  parts.push(`options='${quoteConninfo(options)}'`);
  // A standby asks the master for its logical slots over this.
  if (standby !== undefined && logicalSlots) parts.push("dbname=postgres");
  if (tls) parts.push(`sslmode=${tls.mode}`);
  if (tls?.ca !== undefined) parts.push(`sslrootcert='${quoteConninfo(`${home}/tls.ca`)}'`);
  return parts.join(" ");
}
