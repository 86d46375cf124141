import { quoteConninfo } from "./quoting.ts";
import type { Settings } from "./settings.ts";

/**
 * Returns how PostgreSQL's own programs reach another server as the replication user; the password is in a file. Only
 * what streams for good is called by the node's member name: a clone in the making must not count as a standby.
 */
export function conninfo(
  { port, replicator, home, tls }: Settings,
  address: string,
  applicationName = "msdha hook",
): string {
  const parts = [
    `host='${quoteConninfo(address)}' port=${port} user='${quoteConninfo(replicator)}'`,
    `passfile='${quoteConninfo(`${home}/pgpass`)}' application_name='${applicationName}' connect_timeout=3`,
  ];
  if (tls) parts.push(`sslmode=${tls.mode}`);
  if (tls?.ca !== undefined) parts.push(`sslrootcert='${quoteConninfo(`${home}/tls.ca`)}'`);
  return parts.join(" ");
}
