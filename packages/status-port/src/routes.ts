import type { EventStream } from "./event-streams.ts";

/** What a request is answered with. */
export interface Reply {
  readonly code: number;
  /** The content type of the body. */
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a GET. HEAD and OPTIONS get the same code without the body. May throw: that is a 500 with the message. */
export type Answer = (query: URLSearchParams) => Reply | Promise<Reply>;

/** Takes a client that reads server-sent events. Must not throw. */
export type Feed = (stream: EventStream) => void;

/** What there is, by path. */
export interface Routes {
  readonly answers: Readonly<Record<string, Answer>>;
  readonly feeds?: Readonly<Record<string, Feed>>;
}

/** Returns a reply whose body is a value as JSON. */
export function json(code: number, value: unknown): Reply {
  return { code, type: "application/json", body: `${JSON.stringify(value)}\n` };
}

/** Returns a reply of one line of text. */
export function plain(code: number, line: string): Reply {
  return { code, type: "text/plain; charset=utf-8", body: `${line}\n` };
}
