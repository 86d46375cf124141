import { EtcdUnavailableError } from "@msdha/etcd-client";

/** The watch was open but did not tell what it should: nothing at all, or less than a quorum of etcd knew. */
export class WatchStalledError extends EtcdUnavailableError {}

/** etcd's history is not the one that was told: only a fresh read can go on from here. */
export class HistoryReplacedError extends Error {
  override readonly name = "HistoryReplacedError";
}
