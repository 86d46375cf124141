export { askCandidate, type CandidateServer, type Heard } from "./candidacy.ts";
export { HookFailure } from "./failure.ts";
export type { SeenGroup } from "./master-over.ts";
export { comparePositions, type Position, rankOf } from "./position.ts";
export { type PromotedServer, promoteInSync } from "./promotion.ts";
export {
  compareWithHeard,
  formatRecord,
  type OwnPart,
  parseRecord,
  type SyncRecord,
  standbyNames,
  whomToHear,
} from "./quorum.ts";
export { planSync, type SyncSituation, type SyncStep } from "./sync-plan.ts";
export {
  createSynchronousMaster,
  type RecordStore,
  type SynchronousMaster,
  type SynchronousMasterOptions,
  type SynchronousServer,
} from "./synchronous-master.ts";
export { compareHistories, type Kinship, type OwnHistory, type TheirHistory } from "./timeline.ts";
