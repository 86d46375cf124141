import { quoteSql } from "./quoting.ts";
import type { Settings } from "./settings.ts";

/**
 * Returns a FROM clause with one row while this standby receives from the master at an address, and none otherwise. A process of the
 * server that waits for a connection which is dead still says that it streams, so what came last must not be too old: the master says
 * something every half `wal_sender_timeout`.
 */
export function streamFrom(
  address: string,
  { walSenderTimeoutMs }: Pick<Settings, "walSenderTimeoutMs">,
): string {
  const recent =
    walSenderTimeoutMs === 0
      ? "true"
      : `last_msg_receipt_time > now() - ${3 * walSenderTimeoutMs} * interval '1 ms'`;
  return `FROM pg_stat_wal_receiver WHERE status = 'streaming' AND sender_host = '${quoteSql(address)}' AND ${recent}`;
}
