export { askCandidate, type CandidateServer, type Eligibility } from "./candidacy.ts";
export { enoughOf } from "./enough-of.ts";
export { HookFailure } from "./failure.ts";
export type { SeenGroup } from "./master-over.ts";
export { comparePositions, type Position, rankOf } from "./position.ts";
export { type PromotedServer, type PromotionOptions, promoteInSync } from "./promotion.ts";
export {
  compareWithOthers,
  formatRecord,
  type NeededPositions,
  neededPositions,
  type OwnPart,
  parseRecord,
  type SyncRecord,
  standbyNames,
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
