import type { Lsn } from "./lsn.ts";
import { describeWaitedFor, formatRecord, type SyncRecord } from "./quorum.ts";
import { planSync } from "./sync-plan.ts";

/** The server of this node, as the master. Each call rejects when the server does not answer. */
export interface SynchronousServer {
  /** Resolves with the end of the log on its disk. */
  flushed(): Promise<Lsn>;
  /** Resolves with the standbys that stream, have all up to `since`, and are close or `known`, in order. */
  connected(since: Lsn, known: readonly string[]): Promise<readonly string[]>;
  /**
   * Lets commits wait for so many of these standbys. With no standby they wait for a name that no node can have; with 0
   * they do not wait. Resolves when every process that the server starts from now on has the new list.
   */
  waitFor(needed: number, standbys: readonly string[]): Promise<void>;
  /** Resolves when no process that serves a standby has an older list any more, after `waitFor` with no standby. */
  nobodyCounts(): Promise<void>;
  /** Ends the connections that serve these standbys now, and resolves when they have ended. */
  disconnect(standbys: readonly string[]): Promise<void>;
  /** Resolves with whether so many of these have all up to a position on disk; true at once, false after some seconds. */
  enoughHave(position: Lsn, needed: number, standbys: readonly string[]): Promise<boolean>;
  /** Makes a checkpoint: it shows that the checkpointer, which makes commits wait, has read its settings. */
  checkpoint(): Promise<void>;
}

/** The group's record. */
export interface RecordStore {
  read(): Promise<SyncRecord>;
  /**
   * Writes the record in a transaction that compares the master's token and what was there before. A write that
   * rejected may still be carried out later, until another one has succeeded.
   */
  write(record: Exclude<SyncRecord, { kind: "none" }>): Promise<void>;
}

export interface SynchronousMasterOptions {
  readonly mode: "preferred" | "strict";
  /** How many standbys each commit is to be on. */
  readonly nodes: number;
  readonly patienceMs: number;
  readonly token: string;
  readonly server: SynchronousServer;
  readonly store: RecordStore;
  /** The time in milliseconds. */
  readonly now: () => number;
  readonly log: (line: string) => void;
  /** The record that the promotion has just written; undefined where it is not known any more. */
  readonly written?: Exclude<SyncRecord, { kind: "none" }> | undefined;
}

/** Keeps the list of standbys that commits wait for, and the group's record, in step with the connected standbys. */
export interface SynchronousMaster {
  /** Looks, and does the next step, if there is one. Rejects when a step fails: the next round then begins again. */
  round(): Promise<void>;
  /** Looks again. Resolves with whether a round would do something or count time. */
  changed(): Promise<boolean>;
  readonly missing: boolean;
  /** The last round found nothing to do: as long as nothing has changed, the next one would not either. */
  readonly settled: boolean;
  /** There are too few standbys: commits wait until there are more. */
  readonly alone: boolean;
}

/** Makes one. Between two steps the server waits only for standbys in the record, so the helper may end any time. */
export function createSynchronousMaster(options: SynchronousMasterOptions): SynchronousMaster {
  const { server, store, mode, nodes, patienceMs, token, now, log } = options;
  let record = options.written;
  let began: Lsn | undefined;
  let missingSince: number | undefined;
  let seen: readonly string[] = [];
  let settled = false;

  function current(): Exclude<SyncRecord, { kind: "none" }> {
    if (record === undefined) throw new Error("the record is not known");
    return record;
  }

  async function put(needed: number, standbys: readonly string[]): Promise<void> {
    const { master } = current();
    const next = {
      kind: needed === 0 ? "async" : "sync",
      needed,
      token,
      master,
      standbys,
    } as const;
    // Until the answer is here it is not known which of the two the group has.
    record = undefined;
    await store.write(next);
    record = next;
  }

  /**
   * A write that failed may still be carried out later. It isn't any more when another one has succeeded after it, so
   * the record is written as it was read before the server is changed. Until then the server may stay as it is under
   * the one record and under the other.
   */
  async function beginAgain(): Promise<void> {
    const found = await store.read();
    if (found.kind === "none" || found.token !== token) throw new Error("the group has another master");
    await store.write(found);
    await server.waitFor(found.needed, found.standbys);
    record = found;
  }

  /** The record first, then the server: it never waits for one that the group does not know. */
  async function countOn(needed: number, standbys: readonly string[]): Promise<void> {
    await put(needed, standbys);
    await server.waitFor(needed, standbys);
    log(
      needed === 0
        ? "no synchronous standby is connected: commits are acknowledged without one"
        : `commits wait for ${describeWaitedFor(needed, standbys)}`,
    );
  }

  /** The server first: once it does not wait for them, what only they had must be on another one. Then the record. */
  async function forget(gone: readonly string[], staying: readonly string[]): Promise<void> {
    const { needed } = current();
    await server.waitFor(needed, staying);
    // A standby that reconnects is served by a process with the new list.
    await server.disconnect(gone);
    await requireEnough(needed, staying);
    await put(needed, staying);
    log(`commits no longer wait for: ${gone.join(" ")}`);
  }

  /**
   * The server first: when every commit waits, and what was acknowledged until then is on a standby too, the record
   * may say so. It has to name all that the server waits for, also those that have less: any of them may have a commit
   * acknowledged from now on.
   */
  async function waitAgain(needed: number, standbys: readonly string[]): Promise<void> {
    await server.waitFor(needed, standbys);
    await server.checkpoint();
    if (await server.enoughHave(await server.flushed(), needed, standbys)) await countOn(needed, standbys);
    else await server.waitFor(0, []);
  }

  /**
   * The server first, and for a moment with nobody: a process that still had the smaller number would let commits go that the
   * record then promises to be on more standbys.
   */
  async function waitForMore(needed: number): Promise<void> {
    const { standbys } = current();
    await server.waitFor(1, []);
    await server.nobodyCounts();
    await server.waitFor(needed, standbys);
    await requireEnough(needed, standbys);
    await put(needed, standbys);
    log(`commits wait for ${describeWaitedFor(needed, standbys)}`);
  }

  async function requireEnough(needed: number, standbys: readonly string[]): Promise<void> {
    if (await server.enoughHave(await server.flushed(), needed, standbys)) return;
    const few = needed === 1 ? "no standby" : `fewer than ${needed} standbys`;
    throw new Error(`${few} of ${standbys.join(" ")} ${needed === 1 ? "has" : "have"} all commits yet`);
  }

  async function look(): Promise<readonly string[]> {
    began ??= await server.flushed();
    return await server.connected(began, record?.kind === "sync" ? record.standbys : []);
  }

  async function step(): Promise<void> {
    settled = false;
    if (record === undefined) await beginAgain();
    const known = current();
    seen = await look();
    const missingMs = missingSince === undefined ? 0 : now() - missingSince;
    const next = planSync({ mode, nodes, record: known, connected: seen, missingMs, patienceMs });
    missingSince = next.missing ? (missingSince ?? now()) : undefined;
    switch (next.step) {
      case "nothing":
        settled = !next.missing;
        return;
      case "count-on":
        return await countOn(known.needed, next.standbys);
      case "wait-for-fewer":
        return await countOn(next.needed, known.standbys);
      case "wait-for-more":
        return await waitForMore(next.needed);
      case "acknowledge-alone":
        return await countOn(0, []);
      case "forget":
        return await forget(next.gone, next.staying);
      case "wait-again":
        return await waitAgain(next.needed, next.standbys);
    }
  }

  return {
    async round() {
      try {
        await step();
      } catch (error) {
        // What was done is not known: the next round begins again from what the group has.
        record = undefined;
        throw error;
      }
    },
    async changed() {
      const standbys = await look();
      return standbys.join(" ") !== seen.join(" ");
    },
    get missing() {
      return missingSince !== undefined;
    },
    get settled() {
      return settled;
    },
    get alone() {
      return record === undefined || record.standbys.length < Math.max(record.needed, 1);
    },
  };
}

/** Returns what to log of a promotion's first record. */
export function describeRecord(record: Exclude<SyncRecord, { kind: "none" }>): string {
  return `commits wait for ${describeWaitedFor(record.needed, record.standbys)} (${formatRecord(record)})`;
}
