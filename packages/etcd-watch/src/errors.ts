import { EtcdUnavailableError } from "@msdha/etcd-client";

/** The stream was open but silent, or its member lags behind a quorum. */
export class WatchStalledError extends EtcdUnavailableError {}

/** The stream never answered when it was asked for a sign of life, though etcd answered reads: it may be a proxy's. */
export class ProgressUnansweredError extends WatchStalledError {}

/** etcd's history is not the one that was followed: only a fresh read can continue from here. */
export class HistoryReplacedError extends Error {
  override readonly name = "HistoryReplacedError";
}
