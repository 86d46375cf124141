import type { Duplex } from "node:stream";
import type { Reading } from "./clock-offset.ts";
import { createFrameReader } from "./frames.ts";
import { decodeReport, type Report, type RequestKind } from "./protocol.ts";

export type Answer = Extract<Report, { type: "ack" | "signalled" }>;

/** The connection to one of the guard's two processes. */
export interface Channel {
  /** Resolves once nothing more can come: the process has ended. */
  readonly closed: Promise<void>;
  send(frame: Buffer): void;
  /** Sends what `encode` makes of the request's number; settles with the answer, or by `settle`. */
  request(kind: RequestKind, encode: (request: number) => Buffer): Promise<Answer | undefined>;
  /** Ends all open requests of some kinds: rejects them with `error`, or resolves them with undefined. */
  settle(kinds: readonly RequestKind[], error?: unknown): void;
  /** Sends nothing more, which makes the guard fold; what it reports still comes. */
  end(): void;
}

interface Open {
  readonly kind: RequestKind;
  readonly resolve: (answer: Answer | undefined) => void;
  readonly reject: (error: unknown) => void;
  readonly sentAt: number;
}

export interface ChannelOptions {
  readonly now: () => number;
  /** Called with every time on the guard's clock that an answer has. */
  readonly onReading: (reading: Reading) => void;
}

/** `onReport` gets every report but answers to requests, and those too once they have been settled. A report that makes no sense closes the connection. */
export function openChannel(
  stream: Duplex,
  onReport: (report: Report) => void,
  { now, onReading }: ChannelOptions,
): Channel {
  const open = new Map<number, Open>();
  const readFrames = createFrameReader();
  let lastRequest = 0;
  const closed = Promise.withResolvers<void>();

  stream.on("data", (chunk: Buffer) => {
    for (const frame of readFrames(chunk)) {
      const report = decode(frame);
      if (!report) return;
      if (report.type === "ack" || report.type === "signalled") settleUpTo(report);
      onReport(report);
    }
  });
  // A process that was killed with unread commands resets the connection, and "close" comes after an error as well.
  stream.on("error", () => {});
  stream.once("close", closed.resolve);

  function decode(frame: Buffer): Report | undefined {
    try {
      return decodeReport(frame);
    } catch (error) {
      stream.destroy(error as Error);
      return undefined;
    }
  }

  /** An answer counts for older requests of its kind too. */
  function settleUpTo(answer: Answer): void {
    const asked = open.get(answer.request);
    if (asked && answer.type === "ack") {
      onReading({ theirs: answer.now, sentAt: asked.sentAt, receivedAt: now() });
    }
    const kind = asked?.kind;
    for (const [request, entry] of open) {
      if (entry.kind !== kind || request > answer.request) continue;
      open.delete(request);
      entry.resolve(answer);
    }
  }

  return {
    closed: closed.promise,
    send: (frame) => void (stream.writable && stream.write(frame)),
    request(kind, encode) {
      const sentAt = now();
      const frame = encode(lastRequest + 1);
      lastRequest += 1;
      const answer = Promise.withResolvers<Answer | undefined>();
      open.set(lastRequest, { kind, sentAt, resolve: answer.resolve, reject: answer.reject });
      if (stream.writable) stream.write(frame);
      return answer.promise;
    },
    settle(kinds, error) {
      for (const [request, entry] of open) {
        if (!kinds.includes(entry.kind)) continue;
        open.delete(request);
        if (error === undefined) entry.resolve(undefined);
        else entry.reject(error);
      }
    },
    end: () => void stream.end(),
  };
}
