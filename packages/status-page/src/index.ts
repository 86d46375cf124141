export type {
  PageAsk,
  PageEntry,
  PageJournal,
  PageNode,
  PageOutcome,
  PageRoute,
  PageState,
  PageTerm,
  PageTraffic,
} from "./protocol.ts";
