import { type CandidateServer, confirmCandidate } from "./candidacy.ts";
import { firstNeeded, type SyncRecord } from "./quorum.ts";
import type { RecordStore } from "./synchronous-master.ts";

/** The server of a node that has the lock. */
export interface PromotedServer {
  /** Writes into the data, on the disk, that they are those of this master. */
  leaveMark(): void;
  /**
   * Promotes the server and lets commits wait for so many of these standbys. Before that they wait for a name that no node
   * can have, with which every node is started.
   */
  promote(needed: number, standbys: readonly string[]): Promise<void>;
}

export interface PromotionOptions {
  readonly token: string;
  readonly member: string;
  readonly mode: "preferred" | "strict";
  /** How many standbys each commit is to be on. */
  readonly nodes: number;
}

/**
 * Promotes a node of a group in which commits wait, and resolves with the record that it has written before. From the
 * record on only these data, and those of the nodes that have as much, surely have everything. What the node found out
 * as a candidate counts if it still is so; else the node makes the check once more. Rejects if it may not be promoted.
 */
export async function promoteInSync(
  server: PromotedServer & CandidateServer,
  store: RecordStore,
  { token, member, mode, nodes }: PromotionOptions,
): Promise<Exclude<SyncRecord, { kind: "none" }>> {
  // Before the mark, which is that of the former master in its own data.
  const { asFar: standbys } = await confirmCandidate(server, store);
  server.leaveMark();
  const needed = firstNeeded(mode, nodes, standbys);
  const record = { kind: "sync", needed, token, master: member, standbys } as const;
  await store.write(record);
  await server.promote(needed, standbys);
  return record;
}
