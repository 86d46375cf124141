import type * as Rules from "@msdha/postgresql";
import type { ServerRules } from "./master-server.ts";
import type { EtcdRules } from "./record-store.ts";

/** The code under test. */
export type SyncRules = Pick<
  typeof Rules,
  "askCandidate" | "promoteInSync" | "createSynchronousMaster" | "enoughOf"
>;

/** What of the surroundings can be switched off, to see whether the rule that rests on it is needed. */
export interface WorldRules extends EtcdRules, ServerRules {
  /** A server is started with a list of nobody, so that it acknowledges nothing before it knows better. */
  readonly startsWithNobody: boolean;
  /** A standby tells how far it is only when it follows nobody. */
  readonly countsFreeOnly: boolean;
  /** Where a commit has to be on several standbys, no standby has two connections at a time. */
  readonly oneConnectionPerSlot: boolean;
  /** Data that were rewound do not keep the mark of the master that they were rewound to. */
  readonly rewoundHasNoMark: boolean;
}

export const ALL_RULES: WorldRules = {
  compareToken: true,
  compareRevision: true,
  onlyMembers: true,
  startsWithNobody: true,
  countsFreeOnly: true,
  oneConnectionPerSlot: true,
  rewoundHasNoMark: true,
};
