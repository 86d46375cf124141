import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** One connection: when it was begun, when it was served, and by whom; or how it failed. Times are `performance.now()`. */
export interface Visit {
  readonly begun: number;
  readonly served?: number;
  readonly by?: string;
  readonly failed?: string;
}

/** A client that connects again and again, each time until it is told who serves it. */
export interface TestClient extends AsyncDisposable {
  readonly visits: readonly Visit[];
  /** The longest time between two visits that were served one after the other, of those that ended after `since`. */
  longestGap(since?: number): number;
  /** What failed of the visits that were begun after `since`. */
  failures(since?: number): readonly Visit[];
  /** Resolves when a visit that began after `since` has been served by `name`. */
  servedBy(name: string, since?: number): boolean;
}

export interface ClientOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 10. */
  readonly everyMs?: number;
}

/** Starts a client of a port that begins a visit every `everyMs`, whether the ones before have ended or not. */
export function startClient(
  port: number,
  { host = "127.0.0.1", everyMs = 10 }: ClientOptions = {},
): TestClient {
  const visits: Visit[] = [];
  const open = new Set<Promise<void>>();
  let going = true;

  const loop = (async () => {
    while (going) {
      const one = visit(host, port).then((ended) => {
        visits.push(ended);
        open.delete(one);
      });
      open.add(one);
      await sleep(everyMs);
    }
  })();

  return {
    visits,
    longestGap(since = 0) {
      const served = visits.flatMap((one) => one.served ?? []).sort((a, b) => a - b);
      return Math.max(
        0,
        ...served.flatMap((at, i) => (at > since && i > 0 ? at - (served[i - 1] ?? at) : [])),
      );
    },
    failures: (since = 0) => visits.filter(({ begun, failed }) => failed !== undefined && begun > since),
    servedBy: (name, since = 0) => visits.some(({ begun, by }) => by === name && begun > since),
    async [Symbol.asyncDispose]() {
      going = false;
      await loop;
      await Promise.race([Promise.all(open), sleep(2_000)]);
    },
  };
}

function visit(host: string, port: number): Promise<Visit> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (outcome: Omit<Visit, "begun">): void => {
      socket.destroy();
      resolve({ begun, ...outcome });
    };
    socket.once("data", (text) => end({ served: performance.now(), by: String(text).trim() }));
    socket.once("error", (error) => end({ failed: error.message }));
    socket.once("end", () => end({ failed: "closed without an answer" }));
  });
}
