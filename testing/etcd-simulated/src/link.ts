import type { Clock } from "@msdha/clock";
import { EtcdUnavailableError } from "@msdha/etcd-client";

/** A call of `EtcdApi`. */
export type CallName =
  | "range"
  | "txn"
  | "leaseGrant"
  | "leaseKeepAlive"
  | "leaseRevoke"
  | "leaseTimeToLive"
  | "watch";

/** What travels between a client and its member: the request or the answer of a call, or a message of a watch. */
export interface Message {
  readonly call: CallName;
  /** The call's first argument, or what is answered; an `Error` when etcd refuses. */
  readonly content: unknown;
}

/**
 * What becomes of a message: it arrives after so many milliseconds, it is `"lost"` (the call then runs into its
 * timeout, a watch stays silent from there on), or the connection is `"reset"` (the call fails, the watch ends). One
 * message of a watch that is `"swallowed"` is missing from a stream that goes on; a call's is lost.
 */
export type Fate = number | "lost" | "reset" | "swallowed";

/** Decides over a message; a promise holds the message until it resolves. */
export type Interceptor = (message: Message) => Fate | Promise<Fate>;

/** Calls `arrive` when the message has arrived; never when it is lost. Calls `fail` when the connection is reset. */
export function send(
  clock: Clock,
  interceptor: Interceptor | undefined,
  message: Message,
  {
    arrive,
    fail,
    swallowed = () => {},
  }: {
    readonly arrive: () => void;
    readonly fail: (error: unknown) => void;
    readonly swallowed?: () => void;
  },
): void {
  if (!interceptor) {
    arrive();
    return;
  }
  const sent = clock.now();
  const meet = (fate: Fate): void => {
    if (fate === "lost") return;
    if (fate === "swallowed") {
      swallowed();
      return;
    }
    if (fate === "reset") fail(new EtcdUnavailableError("the connection was reset"));
    else if (sent + fate > clock.now()) clock.sleep(sent + fate - clock.now()).then(arrive, fail);
    else arrive();
  };
  const fate = interceptor(message);
  if (typeof fate === "object") fate.then(meet, fail);
  else meet(fate);
}

/**
 * Resolves when the message has arrived, with `false` when it was swallowed; never when it is lost. Rejects when the
 * connection is reset.
 */
export function travel(
  clock: Clock,
  interceptor: Interceptor | undefined,
  message: Message,
): Promise<boolean> {
  return new Promise((resolve, fail) =>
    send(clock, interceptor, message, {
      arrive: () => resolve(true),
      fail,
      swallowed: () => resolve(false),
    }),
  );
}
