import { type IDuplexStream, type IWatchRequest, type IWatchResponse, WatchClient } from "etcd3";
import type { WatchMessage, WatchRequest, WatchStream } from "./api.ts";
import { isStaleToken } from "./cast-error.ts";
import { EtcdCompactedError, EtcdUnavailableError, isEtcdError } from "./errors.ts";
import type { Link, StreamAttempt } from "./link.ts";
import { createMessageQueue } from "./message-queue.ts";
import { keyValue, rangeRequest } from "./messages.ts";

type RawStream = IDuplexStream<IWatchRequest, IWatchResponse>;

/** Opens a watch on the member of `link`, at once; see `EtcdApi.watch`. */
export function openWatch(link: Link, request: WatchRequest, signal: AbortSignal): WatchStream {
  const queue = createMessageQueue<WatchMessage>();
  let stream: RawStream | undefined;
  let attempt: StreamAttempt | undefined;
  let progressWanted = false;
  let renewed = false;
  let over = false;

  async function open(): Promise<void> {
    const next = await link.stream(signal);
    const raw = await new WatchClient(next.rpc).watch();
    attempt = next;
    stream = raw;
    raw.on("data", (response) => {
      if (stream === raw && !over) take(response);
    });
    // Both stay for good: what comes after the end must not be thrown as unhandled.
    raw.on("error", (error) => {
      if (stream === raw) broken(error);
    });
    raw.on("end", () => {
      if (stream === raw) end(new EtcdUnavailableError(`etcd at ${link.address}: the watch stream ended`));
    });
    if (over) {
      raw.cancel();
      return;
    }
    const { startRevision } = request;
    const from = startRevision === undefined ? {} : { start_revision: startRevision };
    raw.write({ create_request: { ...rangeRequest(request), ...from } });
    if (progressWanted) requestProgress();
  }

  function take(response: IWatchResponse): void {
    try {
      attempt?.onHeader(response.header);
    } catch (error) {
      end(error);
      return;
    }
    if (response.canceled) {
      refused(response);
      return;
    }
    const events = response.events.map(({ type, kv }) => ({
      type: type === "Delete" ? ("DELETE" as const) : ("PUT" as const),
      kv: keyValue(kv),
    }));
    queue.push({ revision: Number(response.header.revision), created: response.created, events });
  }

  function refused({ compact_revision, cancel_reason }: IWatchResponse): void {
    const compacted = Number(compact_revision);
    if (compacted > 0) {
      const message = `etcd at ${link.address}: revisions before ${compacted} are compacted`;
      end(new EtcdCompactedError(message, compacted));
    } else {
      broken(new Error(cancel_reason || "the watch was cancelled without a reason"));
    }
  }

  /** etcd 3.4 calls an unknown token "permission denied" on a watch: only a new one tells the two apart. */
  function broken(error: unknown): void {
    if (over) return;
    const cast = link.cast(error, attempt?.connection);
    const mayBeToken = link.hasUser && (isEtcdError(cast, "ERR_ETCD_AUTH") || isStaleToken(error));
    if (!mayBeToken || renewed) {
      if (attempt) link.doubt(attempt.connection);
      end(cast);
      return;
    }
    renewed = true;
    stream?.cancel();
    stream = undefined;
    link.discardToken(attempt?.token);
    start();
  }

  function end(error: unknown): void {
    if (over) return;
    over = true;
    signal.removeEventListener("abort", abort);
    queue.fail(error);
    stream?.cancel();
  }

  function abort(): void {
    end(signal.reason);
    if (attempt && isEtcdError(signal.reason, "ERR_ETCD_UNAVAILABLE")) link.doubt(attempt.connection);
  }

  function start(): void {
    open().catch((error) => {
      end(signal.aborted ? signal.reason : link.cast(error));
    });
  }

  function requestProgress(): void {
    progressWanted = true;
    if (over || !stream || !attempt) return;
    progressWanted = false;
    link.asked(attempt.connection);
    stream.write({ progress_request: {} });
  }

  if (signal.aborted) {
    end(signal.reason);
  } else {
    signal.addEventListener("abort", abort, { once: true });
    start();
  }

  return {
    requestProgress,
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) yield await queue.read();
      } finally {
        end(new EtcdUnavailableError(`etcd at ${link.address}: the watch was left`));
      }
    },
  };
}
