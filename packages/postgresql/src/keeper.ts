import type { Clock } from "@msdha/clock";
import type { HookContext } from "./context.ts";
import { fail, messageOf } from "./failure.ts";
import { publishPosition } from "./little-lag.ts";
import type { SyncRecord } from "./quorum.ts";
import { createSynchronousMaster, type SynchronousMaster } from "./synchronous-master.ts";
import { type LocalSynchronousServer, openSynchronousServer } from "./synchronous-server.ts";
import { createTurns } from "./turns.ts";

/** Keeps what the last round knew, for the next one. A helper that was started anew begins from the group's record. */
export interface Keeper {
  /** Runs the promotion of the `master` hook: until it is over nobody misses a round. */
  promoting<T>(promotion: () => Promise<T>): Promise<T>;
  /** Called by the `master` hook with the record that it has written. */
  begin(token: string, record: Exclude<SyncRecord, { kind: "none" }>): void;
  /** Runs one round, and resolves when there may be something to do for the next. */
  round(context: HookContext): Promise<void>;
  /**
   * Runs the rounds of a master for which nobody has asked for a while, as the process that does was killed, until somebody
   * asks again or the node is no master any more. Resolves at once where somebody asks.
   */
  continueRounds(context: HookContext): Promise<void>;
}

/** How often a master tells the group how far it is. */
const PUBLISH_MS = 1_000;
/** A standby that comes may be counted so late; one that goes is missed after two seconds. */
const LOOK_MS = 250;
/** The same where every standby of the list is there. */
const WHOLE_LOOK_MS = 500;
/** The server is asked so often where a look at its processes and at the group's nodes shows nothing new. */
const WHOLE_ASK_MS = 10_000;
/** While commits wait for the first standby. */
const ALONE_LOOK_MS = 10;
const LONGEST_MS = 5_000;
const LONGEST_MISSING_MS = 1_000;
/** Whoever asks for the next round is a process of its own. */
const LONGEST_QUIET_MS = 60_000;
/** Commits need nothing in the first moments of a master whose record names standbys. */
const FIRST_PAUSE_MS = 500;
/** Rounds follow one another at once, or after a second where one has failed. */
const QUIET_MS = 10_000;
const AFTER_FAILURE_MS = 1_000;

/** Returns how long a round goes on while nothing changes. Another one would do nothing while nothing is left to do. */
function longestRound({ missing, settled }: SynchronousMaster, mode: "preferred" | "strict"): number {
  if (settled) return LONGEST_QUIET_MS;
  return missing || mode === "preferred" ? LONGEST_MISSING_MS : LONGEST_MS;
}

export function createKeeper({ now }: Pick<Clock, "now">): Keeper {
  let known: { readonly token: string; readonly record?: Exclude<SyncRecord, { kind: "none" }> } | undefined;
  let master:
    | { readonly token: string; readonly state: SynchronousMaster; readonly server: LocalSynchronousServer }
    | undefined;
  let current: HookContext | undefined;
  /** Logged once, not every second. */
  let complaint = "";
  let published: { readonly token: string; readonly line: string | undefined } | undefined;
  const turns = createTurns();
  /** How many rounds are asked for and not over, promotions and `continueRounds` included. */
  let busy = 0;
  let asked = 0;
  let lastBusyAt = now();

  /** At most once in this time, so that a busy master does not keep etcd busy. */
  async function publish(context: HookContext, token: string): Promise<void> {
    const before = published?.token === token ? published.line : undefined;
    try {
      published = { token, line: await publishPosition(context, before) };
      complaint = "";
    } catch (error) {
      context.signal.throwIfAborted();
      const line = `the group was not told how far this node is: ${messageOf(error)}`;
      if (line !== complaint) context.log(line);
      complaint = line;
    }
  }

  function masterFor(
    context: HookContext,
    mode: "preferred" | "strict",
    token: string,
  ): NonNullable<typeof master> {
    if (master?.token === token) return master;
    const using = (): HookContext => current ?? context;
    const server = openSynchronousServer(using);
    const state = createSynchronousMaster({
      mode,
      nodes: context.settings.syncNodes,
      patienceMs: context.settings.syncPatienceMs,
      token,
      server,
      store: {
        read: () => using().store.record.read(),
        write: (record) => using().store.record.write(record),
      },
      now: () => context.clock.now(),
      log: (line) => using().log(line),
      written: known?.token === token ? known.record : undefined,
    });
    master = { token, state, server };
    return master;
  }

  /** Where commits do not wait. */
  async function runPublishing(context: HookContext, token: string, goesOn: () => boolean): Promise<void> {
    const until = context.clock.now() + LONGEST_QUIET_MS;
    do {
      await publish(context, token);
      await context.sleep(PUBLISH_MS);
    } while (goesOn() && context.clock.now() < until);
  }

  async function runSynchronous(
    context: HookContext,
    mode: "preferred" | "strict",
    token: string,
    goesOn: () => boolean,
  ): Promise<void> {
    const { clock } = context;
    if (mode === "preferred") await publish(context, token);
    let publishedAt = clock.now();
    const fresh = master?.token !== token;
    const { state, server } = masterFor(context, mode, token);
    current = context;
    if (fresh && !state.alone) await context.sleep(FIRST_PAUSE_MS);
    await state.round();
    const began = clock.now();
    const longestMs = longestRound(state, mode);
    let askedAt = began;
    for (let time = began; time - began < longestMs && goesOn(); time = clock.now()) {
      if (!state.settled || time - askedAt >= WHOLE_ASK_MS || server.mayDiffer()) {
        askedAt = time;
        if (await state.changed()) return;
      }
      await context.sleep(state.alone ? ALONE_LOOK_MS : state.missing ? LOOK_MS : WHOLE_LOOK_MS);
      if (mode === "strict" || clock.now() - publishedAt < PUBLISH_MS) continue;
      publishedAt = clock.now();
      await publish(context, token);
    }
  }

  async function runRound(context: HookContext): Promise<void> {
    const { env, group, settings } = context;
    const token = env["MSDHA_FENCING_TOKEN"] ?? fail("MSDHA_FENCING_TOKEN: expected the lock's, got none");
    const before = asked;
    // Another process that asks meanwhile has the next round.
    const goesOn = (): boolean => group.isMaster() && asked === before;
    if (settings.sync === "off") return await runPublishing(context, token, goesOn);
    try {
      await runSynchronous(context, settings.sync, token, goesOn);
    } catch (error) {
      context.signal.throwIfAborted();
      fail(`whom commits wait for could not be brought up to date: ${messageOf(error)}`, { cause: error });
    }
  }

  async function whileBusy<T>(work: () => Promise<T>): Promise<T> {
    busy += 1;
    try {
      return await work();
    } finally {
      busy -= 1;
      lastBusyAt = now();
    }
  }

  return {
    begin(token, record) {
      known = { token, record };
      master = undefined;
    },
    promoting: whileBusy,
    async round(context) {
      asked += 1;
      await whileBusy(() => turns.take(() => runRound(context)));
    },
    async continueRounds(context) {
      const { env, group, log, server, sleep } = context;
      const isMissed = (): boolean => busy === 0 && now() - lastBusyAt >= QUIET_MS;
      if (env["MSDHA_FENCING_TOKEN"] === undefined || !group.isMaster() || !isMissed()) return;
      // A server that is not promoted yet has rounds when it is.
      const rows = await server.query("SELECT NOT pg_is_in_recovery()");
      if (rows[0]?.[0] !== "t" || !isMissed()) return;
      log("the process of the master hook that asks for the next round is gone: going on without it");
      const before = asked;
      await whileBusy(async () => {
        while (group.isMaster() && asked === before) {
          await turns
            .take(() => runRound(context))
            .catch(async (error: unknown) => {
              log(messageOf(error));
              await sleep(AFTER_FAILURE_MS);
            });
        }
      });
    },
  };
}
