import type { WatchMessage } from "@msdha/etcd-client";
import type { Fate, Interceptor, Random } from "@msdha/etcd-simulated";

/** The way between one process and one member of etcd. */
export interface Link {
  readonly onRequest: Interceptor;
  readonly onAnswer: Interceptor;
  /** Lets nothing through in these directions until `heal`. */
  cut(directions: { readonly requests: boolean; readonly answers: boolean }): void;
  heal(): void;
  /** Loses what watches tell, and nothing else, until `heal`. */
  silenceWatches(): void;
  /** Swallows what watches tell and `wants` picks, on streams that go on, until `heal` or the next call. */
  swallow(wants: (message: WatchMessage) => boolean): void;
  /** Whether a member of another cluster answers at its end. */
  readonly astray: boolean;
  /** Has connections from now on lead to a member of another cluster, or to the right one again. */
  lead(where: "astray" | "home"): void;
  /** Adds up to so much delay to every message. */
  slow(ms: number): void;
  /** Loses this share of all messages. */
  lose(share: number): void;
}

export interface LinkOptions {
  readonly random: Random;
  readonly fastestMs: number;
  readonly slowestMs: number;
  /** Called when an event of a watch was swallowed. */
  readonly onSwallowed?: () => void;
}

/** How likely a message that runs into a cut is sent again by TCP and arrives after it, rather than being lost. */
const RETRANSMITTED = 0.5;
const RESET = 0.3;

/** Makes a way on which messages overtake each other. */
export function createLink({ random, fastestMs, slowestMs, onSwallowed }: LinkOptions): Link {
  let cutRequests = false;
  let cutAnswers = false;
  let silent = false;
  let swallows = nothing;
  let astray = false;
  let slowMs = 0;
  let lossShare = 0;
  let healed = Promise.withResolvers<void>();

  const delay = (): number =>
    random.between(fastestMs, slowestMs) + (slowMs > 0 ? random.between(0, slowMs) : 0);

  function decide(cut: boolean): Fate | Promise<Fate> {
    if (cut) {
      if (random.chance(RESET)) return "reset";
      return random.chance(RETRANSMITTED) ? waitForHeal() : "lost";
    }
    if (lossShare > 0 && random.chance(lossShare)) return random.chance(RESET) ? "reset" : "lost";
    return delay();
  }

  async function waitForHeal(): Promise<Fate> {
    await healed.promise;
    return delay();
  }

  return {
    onRequest: () => decide(cutRequests),
    onAnswer({ call, content }) {
      if (call !== "watch") return decide(cutAnswers);
      if (silent) return "lost";
      if (cutAnswers || content instanceof Error || !swallows(content as WatchMessage))
        return decide(cutAnswers);
      onSwallowed?.();
      return "swallowed";
    },
    cut({ requests, answers }) {
      cutRequests ||= requests;
      cutAnswers ||= answers;
    },
    heal() {
      cutRequests = false;
      cutAnswers = false;
      silent = false;
      swallows = nothing;
      astray = false;
      slowMs = 0;
      lossShare = 0;
      healed.resolve();
      healed = Promise.withResolvers();
    },
    silenceWatches() {
      silent = true;
    },
    swallow(wants) {
      swallows = wants;
    },
    get astray() {
      return astray;
    },
    lead(where) {
      astray = where === "astray";
    },
    slow(ms) {
      slowMs = Math.max(slowMs, ms);
    },
    lose(share) {
      lossShare = Math.max(lossShare, share);
    },
  };
}

const nothing = (_message: WatchMessage): boolean => false;
