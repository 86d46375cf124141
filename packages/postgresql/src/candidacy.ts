import { HookFailure } from "./failure.ts";
import { isOver, type SeenGroup } from "./master-over.ts";
import { type Position, rankOf } from "./position.ts";
import {
  compareWithOthers,
  formatRecord,
  type NeededPositions,
  neededPositions,
  type OwnPart,
  type SyncRecord,
} from "./quorum.ts";
import type { RecordStore } from "./synchronous-master.ts";

/** Why a candidate may be promoted: it has every commit that any master has acknowledged, or its loss is accepted. */
export interface Eligibility {
  readonly rank: string;
  /** The record that it was found out under. */
  readonly record: string;
  /** The standbys of the record that have all that it has, and nothing more. */
  readonly asFar: readonly string[];
  /** It may lack commits: an operator has ordered its promotion all the same. */
  readonly lossAccepted: boolean;
}

/** A node that checks whether it may be the master. Its methods reject with errors whose message is for the log. */
export interface CandidateServer {
  own(): OwnPart;
  /** Disconnects this standby from the server that it followed. Rejects if there is a master. */
  letGo(): Promise<void>;
  /** Resolves with what this node sees of the group; undefined where it has the lock, so that every master before is over. */
  seen(): Promise<SeenGroup | undefined>;
  /** Resolves with this node's position once its receiver has ended: all that it will ever have acknowledged. */
  freePosition(): Promise<Position>;
  /** Resolves with the positions of enough other standbys, each once it follows no server and so gets no more log. */
  positionsOf(needed: NeededPositions): Promise<ReadonlyMap<string, Position>>;
  /** Rejects if this node is too far behind to be promoted, for the case in which the record does not name a node that has every commit. */
  requireLittleLag(own: Position): Promise<void>;
  /** Returns what was noted, unless this node has followed a server since, or there is a master. */
  recall(): Eligibility | undefined;
  note(eligibility: Eligibility): void;
  forget(): void;
}

export interface AskCandidateOptions {
  /** Whether an operator's order is in force to promote this node though commits may be lost. Default: false. */
  readonly acceptLoss?: boolean;
}

/** Resolves with why this node may be promoted; uses a noted answer. Rejects if it may not be promoted. */
export async function askCandidate(
  server: CandidateServer,
  store: Pick<RecordStore, "read">,
  { acceptLoss = false }: AskCandidateOptions = {},
): Promise<Eligibility> {
  const before = await recallEligibility(server, store);
  if (before && (acceptLoss || !before.lossAccepted)) return before;
  await server.letGo();
  // An order that was withdrawn, or is void by now, counts no more.
  if (before) server.forget();
  const found = acceptLoss ? await acceptOwn(server, store) : await findAcknowledged(server, store);
  server.note(found);
  return found;
}

/**
 * Resolves with why this node, which has the lock, is promoted: what it noted as a candidate counts, also under an order. MSDHA
 * promotes a node that said yes under an order only once it has accepted that order. Rejects if it may not be promoted.
 */
export async function confirmCandidate(
  server: CandidateServer,
  store: Pick<RecordStore, "read">,
): Promise<Eligibility> {
  return (await recallEligibility(server, store)) ?? (await askCandidate(server, store));
}

/**
 * Resolves with what was found out before, if it still holds: there was no master since, as the record is the same, and
 * this node has followed no server. So neither it nor any node whose position it has read has got more log.
 */
async function recallEligibility(
  server: Pick<CandidateServer, "recall">,
  store: Pick<RecordStore, "read">,
): Promise<Eligibility | undefined> {
  const noted = server.recall();
  return noted && lineOf(await store.read()) === noted.record ? noted : undefined;
}

/** Compares with nobody: no other node is known to have as much, so commits wait until one has. */
async function acceptOwn(server: CandidateServer, store: Pick<RecordStore, "read">): Promise<Eligibility> {
  const record = await store.read();
  const own = await server.freePosition();
  return { rank: String(rankOf(own)), record: lineOf(record), asFar: [], lossAccepted: true };
}

async function findAcknowledged(
  server: CandidateServer,
  store: Pick<RecordStore, "read">,
): Promise<Eligibility> {
  const record = await store.read();
  const needed = neededPositions(record, server.own());
  if ("refusal" in needed) throw new HookFailure(needed.refusal);
  await requireOver(server, record);
  const [own, others] = await Promise.all([server.freePosition(), server.positionsOf(needed)]);
  const compared = compareWithOthers(own, others);
  if ("refusal" in compared) throw new HookFailure(compared.refusal);
  if (record.kind === "async") await server.requireLittleLag(own);
  return {
    rank: String(rankOf(own)),
    record: lineOf(record),
    asFar: compared.asFar,
    lossAccepted: false,
  };
}

/**
 * Rejects while the master of the record may still be there, or come: this node may have been asked before it was
 * promoted. A node whose position is read now could follow it, and have commits acknowledged, and the record would be the same.
 */
async function requireOver(server: Pick<CandidateServer, "seen">, record: SyncRecord): Promise<void> {
  if (record.kind !== "sync") return;
  const seen = await server.seen();
  if (seen && !isOver(record.token, seen)) {
    throw new HookFailure(
      `${record.master} may be the master by now: its record is newer than this question`,
    );
  }
}

function lineOf(record: SyncRecord): string {
  return record.kind === "none" ? "none" : formatRecord(record);
}
