import type { ServerResponse } from "node:http";

/** One client that reads server-sent events. */
export interface EventStream {
  /** Sends an event. `data` must be one line. Does nothing on a stream that has ended. */
  send(event: string, data: string): void;
  /** Aborts when the stream has ended: the client went, did not read, or the stream's time was over. */
  readonly ended: AbortSignal;
}

export interface EventStreamsOptions {
  /** How many clients there may be at once. */
  readonly most: number;
  /** How long a stream lasts; its client connects again. A client that vanished holds its place no longer. */
  readonly lifeMs: number;
  /** How often a comment is sent, so that proxies in between do not close a silent stream. */
  readonly heartbeatMs: number;
  /** A client that leaves more than this unread is cut off. */
  readonly mostUnreadBytes: number;
}

export interface EventStreams extends Disposable {
  /** Begins a stream as the answer; false when there are too many, and nothing was written. */
  open(response: ServerResponse, take: (stream: EventStream) => void): boolean;
}

/** Returns an empty set of streams. Disposing cuts all of them. */
export function createEventStreams({
  most,
  lifeMs,
  heartbeatMs,
  mostUnreadBytes,
}: EventStreamsOptions): EventStreams {
  const open = new Set<ServerResponse>();

  function write(response: ServerResponse, text: string): void {
    response.write(text);
    if (response.writableLength > mostUnreadBytes) response.destroy();
  }

  const heartbeat = setInterval(() => {
    for (const response of open) write(response, ":\n\n");
  }, heartbeatMs);
  heartbeat.unref();

  return {
    open(response, take) {
      if (open.size >= most) return false;
      open.add(response);
      const ended = new AbortController();
      const life = setTimeout(() => response.end(), lifeMs);
      life.unref();
      response.once("close", () => {
        open.delete(response);
        clearTimeout(life);
        ended.abort();
      });
      response.on("error", () => {});
      response.socket?.setTimeout(0);
      response.socket?.setNoDelay(true);
      response.writeHead(200, { "content-type": "text/event-stream", "x-accel-buffering": "no" });
      response.flushHeaders();
      take({
        send(event, data) {
          if (!ended.signal.aborted && !response.writableEnded)
            write(response, `event: ${event}\ndata: ${data}\n\n`);
        },
        ended: ended.signal,
      });
      return true;
    },
    [Symbol.dispose]() {
      clearInterval(heartbeat);
      for (const response of open) response.destroy();
    },
  };
}
