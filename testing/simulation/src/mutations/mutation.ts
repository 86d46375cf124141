import type { Scenario } from "../scenario.ts";
import type { Collaborators } from "../world/world.ts";

/** A rule of the protocol switched off, by putting something else in the place of what the code works with. */
export interface Mutation {
  /** The rule's number in docs/protocol.md, and what is done instead. */
  readonly rule: string;
  /** The invariant that says what goes wrong without the rule. Others might only say that the mutation is clumsy. */
  readonly noticedBy: string;
  readonly collaborators: Collaborators;
  /** Under which circumstances it is noticed soon; default: the usual ones. */
  readonly circumstances?: (usual: Scenario) => Scenario;
}
