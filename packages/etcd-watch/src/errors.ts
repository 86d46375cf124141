/** The watch was open but did not tell what it should: nothing at all, or less than a quorum of etcd knew. */
export class WatchStalledError extends Error {
  override readonly name = "WatchStalledError";
  readonly code = "ERR_WATCH_STALLED";
}
