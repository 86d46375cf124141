export { findAbsentHolds } from "./absent-holds.ts";
export { applyBatch } from "./apply-batch.ts";
export {
  type Ask,
  type AskKind,
  type AskText,
  askName,
  findObstacle,
  isOver,
  parseAsk,
  writeAsk,
} from "./ask.ts";
export { type CampaignOptions, campaign } from "./campaign.ts";
export type { Candidacy, Candidate } from "./candidacy.ts";
export { type ClaimOptions, claim } from "./claim.ts";
export { type Choice, type ElectionOptions, holdElection, untilAnswered } from "./election.ts";
export { listForgottenTerms, recordFormerEnd } from "./ended-terms.ts";
export { NameTakenError, NodeKeyLostError } from "./errors.ts";
export { type Evidence, findLostKey, type OwnKeys, watchOwnKeys } from "./find-lost-key.ts";
export {
  type ChangedOptions,
  type FollowOptions,
  followGroup,
  type GroupFollower,
  type ViewListener,
} from "./follow-group.ts";
export { type FrontendEntry, renderFrontend } from "./frontend-entry.ts";
export { describeGroup, type GroupStatus, type NodeStatus } from "./group-status.ts";
export { type GiveBackOptions, giveBackLock, prepareHandover } from "./hand-over.ts";
export type { HandoverNote } from "./handover-note.ts";
export { getValue, putValue } from "./hook-values.ts";
export { type JoinOptions, join, type Member } from "./join.ts";
export { type GroupKeys, groupKeys, isName, type ParsedKey, parseKey } from "./keys.ts";
export type { GiveBack, Lead, LeadCall } from "./lead.ts";
export { type LocalView, parseLocalView, writeLocalView } from "./local-view.ts";
export type { LockOptions, MasterLock } from "./master-lock.ts";
export { type JoinGroupOptions, joinGroup, type Membership } from "./membership.ts";
export { type NodeChange, nodeChanges, plainState } from "./node-change.ts";
export {
  ASKS,
  isAddress,
  type NodeDetails,
  type NodeState,
  nodeStates,
  parseDetails,
} from "./node-state.ts";
export { openElection } from "./open-election.ts";
export { findOrder, newestToken } from "./ordered-promotion.ts";
export { listPossibleLosses, type PossibleLoss } from "./possible-losses.ts";
export { type PublishOptions, publishMaster } from "./publish-master.ts";
export { parseRank } from "./rank.ts";
export { readGroup } from "./read-group.ts";
export { readMaster } from "./read-master.ts";
export { isNode, readyNodes } from "./ready-nodes.ts";
export { type NodeReport, publishReport, readReportLine } from "./report.ts";
export { type SweepOptions, sweepAsks } from "./sweep-asks.ts";
export { type GroupKnowledge, takeLock } from "./take-lock.ts";
export { anyIsWilling, isChosen, isHeldBack, listNext, type Voter } from "./tally.ts";
export { parseTerm, type Term, type TermEnd } from "./term.ts";
export {
  type AnswerEntry,
  createGroupView,
  type GroupView,
  type LockEntry,
  type Mastership,
  mastership,
  type NodeEntry,
} from "./view.ts";
