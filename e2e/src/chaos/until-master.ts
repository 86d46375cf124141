import { setTimeout as sleep } from "node:timers/promises";
import { bootTime } from "../support/boot-time.ts";
import type { GroupHistory } from "./group-history.ts";
import type { ChaosNode } from "./node.ts";

/** How long it took until there was one live master again. */
export interface Recovery {
  readonly master: string | undefined;
  /** From the call on. */
  readonly ms: number;
  /** The part of it in which no live node was ready to become the master: the nodes' own restart. */
  readonly restartMs: number;
  /** Whether the count began anew in between. */
  readonly begunAnew: boolean;
}

/** What is known of the run that was promoted last. */
export interface Beats {
  /** The node whose `master` hook began last. */
  promoted(): string | undefined;
  /** When the main process of that run was last alive (boot-time clock, ms). */
  lastBeat(): number;
  /** When a node last lost its lease although no fault was going on, for a machine that let processes wait. */
  disturbedAt(): number;
}

const LOOK_MS = 50;
const FRESH_MS = 1_000;

/**
 * Resolves when there is a master whose program runs, and which goes on for a TTL, so that one that is doomed already
 * does not count; or after `limitMs`. A disturbance that is none of the run's own begins the count anew.
 */
export async function untilMaster(
  nodes: readonly ChaosNode[],
  history: GroupHistory,
  beats: Beats,
  {
    ttlMs,
    limitMs,
    signal,
  }: { readonly ttlMs: number; readonly limitMs: number; readonly signal: AbortSignal },
): Promise<Recovery> {
  const called = bootTime();
  let began = called;
  let since: number | undefined;
  let restartMs = 0;
  let begunAnew = false;
  let last = began;
  for (;;) {
    const now = bootTime();
    if (beats.disturbedAt() > began) {
      began = beats.disturbedAt();
      begunAnew = true;
      restartMs = 0;
    }
    const master = liveMaster(nodes, history, beats);
    if (!master) {
      since = undefined;
      if (!nodes.some((node) => isReady(node, history))) restartMs += now - last;
    } else {
      since ??= now;
      if (now - since >= ttlMs) return { master, ms: Math.max(0, since - began), restartMs, begunAnew };
    }
    last = now;
    if (now - called > limitMs) return { master: undefined, ms: now - began, restartMs, begunAnew };
    await sleep(LOOK_MS, undefined, { signal });
  }
}

function liveMaster(nodes: readonly ChaosNode[], history: GroupHistory, beats: Beats): string | undefined {
  const name = history.master()?.node;
  const node = nodes.find((candidate) => candidate.name === name);
  const lives = node?.running && beats.promoted() === name && bootTime() - beats.lastBeat() < FRESH_MS;
  return lives ? name : undefined;
}

/** The key of a node that has ended stays for as long as its lease. */
export function isReady(node: ChaosNode, history: GroupHistory): boolean {
  const key = history.node(node.name);
  return (
    node.running && key !== undefined && ["ready", "master"].includes(key.state) && key.seen > node.startedAt
  );
}
