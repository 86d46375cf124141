import type { Clock } from "@msdha/clock";
import type { WatchMessage, WatchRequest, WatchStream } from "@msdha/etcd-client";
import { type Interceptor, travel } from "./link.ts";
import type { WatchEnds, Watcher } from "./watch-hub.ts";

export interface WatchClientOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onRequest: () => Interceptor | undefined;
  readonly onAnswer: () => Interceptor | undefined;
  /** Resolves with the server's side, once its process takes the request. */
  readonly open: (ends: WatchEnds) => Promise<Watcher>;
}

/** The client's side of a watch: messages arrive in the order in which they were sent. */
export function openStream(request: WatchRequest, options: WatchClientOptions): WatchStream {
  const { clock, signal, onRequest, onAnswer, open } = options;
  const messages: WatchMessage[] = [];
  let failure: { readonly reason: unknown } | undefined;
  let wake = (): void => {};
  let watcher: Watcher | undefined;
  let asked: Promise<unknown> = travel(clock, onRequest(), { call: "watch", content: request });
  let told: Promise<void> = Promise.resolve();

  function fail(reason: unknown): void {
    failure ??= { reason };
    watcher?.cancel();
    wake();
  }

  /** One after the other, each with its own delay counted from when it was sent. */
  function pass(content: unknown, arrive: () => void): void {
    const arrival = travel(clock, onAnswer(), { call: "watch", content });
    arrival.catch(() => {}); // it may fail before its turn comes
    told = told
      .then(() => arrival)
      .then((arrived) => {
        if (arrived) arrive();
      });
    told.catch(fail);
  }

  async function start(): Promise<void> {
    await asked;
    watcher = await open({
      onMessage: (message) =>
        pass(message, () => {
          messages.push(message);
          wake();
        }),
      onEnd: (error) => pass(error, () => fail(error)),
    });
    if (failure) watcher.cancel();
  }

  async function next(): Promise<IteratorResult<WatchMessage>> {
    for (;;) {
      if (failure) throw failure.reason;
      const message = messages.shift();
      if (message) return { done: false, value: message };
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  if (signal.aborted) fail(signal.reason);
  else {
    signal.addEventListener("abort", () => fail(signal.reason), { once: true });
    start().catch(fail);
  }
  return {
    requestProgress() {
      if (failure) return;
      const journey = travel(clock, onRequest(), { call: "watch", content: "progress" });
      journey.catch(() => {});
      asked = asked.then(() => journey).then(() => watcher?.requestProgress());
      asked.catch(fail);
    },
    [Symbol.asyncIterator]: () => ({ next }),
  };
}
