import type { EtcdApi } from "@msdha/etcd-client";
import type { Change } from "@msdha/etcd-simulated";
import type { Facts, GroupFacts, RunFacts } from "./facts.ts";

/** Something that an invariant may have to say something about. The facts are those right after it. */
export type Moment =
  /** One event has happened, with all that follows from it at once. */
  | { readonly kind: "step"; readonly now: number }
  /** etcd has changed; `before` is what the group's keys said until then. */
  | { readonly kind: "change"; readonly change: Change; readonly before: GroupFacts; readonly now: number }
  /** A program was started. */
  | {
      readonly kind: "start";
      readonly run: RunFacts;
      readonly program: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string | undefined>>;
    }
  /** A member has answered a run, of whichever cluster. */
  | {
      readonly kind: "answer";
      readonly run: RunFacts;
      readonly cluster: string;
      readonly endpoint: string;
      /** Whether the run takes it for an answer. */
      readonly taken: boolean;
    }
  /** A run has asked something of etcd. */
  | {
      readonly kind: "ask";
      readonly run: RunFacts;
      readonly call: keyof EtcdApi;
      readonly argument: unknown;
      readonly now: number;
    };

/** Says what is wrong, or nothing. */
export type Invariant = (moment: Moment, facts: Facts) => string | undefined;
