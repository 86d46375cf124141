/** A request of an operator that is in force. */
export interface PageAsk {
  readonly by: string;
  readonly why: string;
  /** When it ends, in ms since 1970; null: when it is taken back. */
  readonly until: number | null;
}

export interface PageNode {
  readonly name: string;
  readonly state: string;
  /** Since when, in ms since 1970, by the node's own clock. */
  readonly since: number | null;
  readonly address: string;
  readonly hold: PageAsk | null;
  /** An order to promote it though data may be lost. */
  readonly promotion: PageAsk | null;
  /** How many bytes of the master's data the node lacks, by its own report; null: not known. */
  readonly behind: number | null;
  /** What its program says of itself. */
  readonly note: string;
}

/** The time of one master, from the group's history. */
export interface PageTerm {
  readonly token: number;
  readonly node: string;
  readonly beganAt: number;
  readonly takenAfter: string;
  readonly gapMs: number | null;
  readonly losses: string | null;
  /** null: the term goes on, or its end is not known yet. */
  readonly end: { readonly why: string; readonly at: number | null } | null;
}

/** What is so now: the event `state`. Times are ms since 1970; texts are as etcd has them, and never markup. */
export interface PageState {
  readonly group: string;
  /** The frontend's clock. */
  readonly now: number;
  /** `serve`: new connections go to the master; else they wait. */
  readonly route: PageRoute;
  /** Who connections go to; null: nobody. */
  readonly master: { readonly name: string; readonly since: number } | null;
  /** Whether etcd is followed, and whether a quorum of it confirms the master. */
  readonly following: boolean;
  readonly proven: boolean;
  readonly nodes: readonly PageNode[];
  /** How many more nodes there are than are listed. */
  readonly moreNodes: number;
  /** Holds of nodes that are not there: they are held back when they come again. */
  readonly absentHolds: readonly (PageAsk & { readonly node: string })[];
  readonly pause: PageAsk | null;
  readonly switchover: (PageAsk & { readonly to: string | null }) | null;
  /** The newest first. */
  readonly terms: readonly PageTerm[];
}

export type PageRoute = "serve" | "drain" | "none";

/** What HAProxy counts: the event `traffic`, every second; null while HAProxy can't be asked. */
export type PageTraffic = { readonly sessions: number; readonly waiting: number } | null;

/** What happened: the event `journal` has the new ones, and after `state` at the beginning of a stream all there are. */
export type PageEntry =
  /** A node came into a state; an empty one: its key has gone. */
  | { readonly kind: "node"; readonly at: number; readonly node: string; readonly state: string }
  /** New connections go elsewhere; `cut`: sessions were cut. */
  | {
      readonly kind: "route";
      readonly at: number;
      readonly route: PageRoute;
      readonly master: string;
      readonly cut: boolean;
    }
  /** A connection's wait, by when it began. */
  | { readonly kind: "wait"; readonly at: number; readonly waitedMs: number; readonly outcome: PageOutcome };

export type PageOutcome = "served" | "in_vain" | "left";

/** The event `journal`. */
export interface PageJournal {
  /** Whether these are all that there are: what was known before does not count any more. */
  readonly whole: boolean;
  /** From when on the journal is whole. */
  readonly since: number;
  readonly entries: readonly PageEntry[];
}
