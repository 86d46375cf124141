import { HookFailure } from "./failure.ts";
import { type Position, rankOf } from "./position.ts";
import { compareWithHeard, formatRecord, type OwnPart, type SyncRecord, whomToHear } from "./quorum.ts";
import type { RecordStore } from "./synchronous-master.ts";

/** What a candidate has found out: it has every commit that any master has acknowledged. */
export interface Heard {
  readonly rank: string;
  /** The record that it was found out under. */
  readonly record: string;
  /** The standbys of the record that have all that it has, and nothing more. */
  readonly asFar: readonly string[];
}

/** A node that checks whether it may be the master. Its methods reject with errors whose message is for the log. */
export interface CandidateServer {
  own(): OwnPart;
  /** Disconnects this standby from the server that it followed. Rejects if there is a master. */
  letGo(): Promise<void>;
  /** Resolves with this node's position once its receiver has ended: all that it will ever have acknowledged. */
  freePosition(): Promise<Position>;
  /** Resolves with the positions of other standbys, each once it follows no server and so gets no more log. */
  hear(standbys: readonly string[]): Promise<ReadonlyMap<string, Position>>;
  /** Rejects if this node is too far behind to be promoted, for the case in which the record does not name a node that has every commit. */
  requireLittleLag(own: Position): Promise<void>;
  /** Returns what was noted, unless this node has followed a server since, or there is a master. */
  recall(): Heard | undefined;
  note(heard: Heard): void;
}

/** Resolves with why this node may be promoted; uses a noted answer. Rejects if it may not be promoted. */
export async function askCandidate(
  server: CandidateServer,
  store: Pick<RecordStore, "read">,
): Promise<Heard> {
  const before = await recallHeard(server, store);
  if (before) return before;
  await server.letGo();
  const heard = await findAcknowledged(server, store);
  server.note(heard);
  return heard;
}

/**
 * Resolves with what was found out before, if it still holds: there was no master since, as the record is the same, and
 * this node has followed no server. So neither it nor any node that it has heard has got more log.
 */
async function recallHeard(
  server: Pick<CandidateServer, "recall">,
  store: Pick<RecordStore, "read">,
): Promise<Heard | undefined> {
  const heard = server.recall();
  return heard && lineOf(await store.read()) === heard.record ? heard : undefined;
}

async function findAcknowledged(server: CandidateServer, store: Pick<RecordStore, "read">): Promise<Heard> {
  const record = await store.read();
  const hearing = whomToHear(record, server.own());
  if ("refusal" in hearing) throw new HookFailure(hearing.refusal);
  const [own, heard] = await Promise.all([server.freePosition(), server.hear(hearing.others)]);
  const compared = compareWithHeard(own, heard);
  if ("refusal" in compared) throw new HookFailure(compared.refusal);
  if (record.kind === "async") await server.requireLittleLag(own);
  return { rank: String(rankOf(own)), record: lineOf(record), asFar: compared.asFar };
}

function lineOf(record: SyncRecord): string {
  return record.kind === "none" ? "none" : formatRecord(record);
}
