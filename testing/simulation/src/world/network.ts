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
  /** Swallows the next event that a watch tells, on a stream that goes on. */
  swallowEvent(): void;
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
  let swallowing = false;
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
      if (!swallowing || cutAnswers || !hasEvents(content)) return decide(cutAnswers);
      swallowing = false;
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
      swallowing = false;
      slowMs = 0;
      lossShare = 0;
      healed.resolve();
      healed = Promise.withResolvers();
    },
    silenceWatches() {
      silent = true;
    },
    swallowEvent() {
      swallowing = true;
    },
    slow(ms) {
      slowMs = Math.max(slowMs, ms);
    },
    lose(share) {
      lossShare = Math.max(lossShare, share);
    },
  };
}

function hasEvents(content: unknown): boolean {
  return !(content instanceof Error) && (content as WatchMessage).events.length > 0;
}
