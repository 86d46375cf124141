import type { Invariant } from "../facts/moment.ts";
import { bestIsPromoted } from "./best-is-promoted.ts";
import { cleansUpAlone } from "./cleans-up-alone.ts";
import { formerEndIsTold } from "./former-end-is-told.ts";
import { frontendsFollow } from "./frontends-follow.ts";
import { givenBackWhenKilled } from "./given-back-when-killed.ts";
import { goneByKillTime } from "./gone-by-kill-time.ts";
import { handOverWhenGone } from "./hand-over-when-gone.ts";
import { historyIsTold } from "./history-is-told.ts";
import { keysAreRespected } from "./keys-are-respected.ts";
import { killsWhenOvertaken } from "./kills-when-overtaken.ts";
import { lossIsOrdered } from "./loss-is-ordered.ts";
import { noSessionToFormer } from "./no-session-to-former.ts";
import { oneClusterAnswers } from "./one-cluster-answers.ts";
import { oneMasterRuns } from "./one-master-runs.ts";
import { onlyOwnLeases } from "./only-own-leases.ts";
import { pauseIsKept } from "./pause-is-kept.ts";
import { permittedWhenPublished } from "./permitted-when-published.ts";
import { promotionsAreRecorded } from "./promotions-are-recorded.ts";
import { reportsAreOwn } from "./reports-are-own.ts";
import { tokensRise } from "./tokens-rise.ts";
import { ttlNotLoweredEarly } from "./ttl-not-lowered-early.ts";
import { waitForTheFormer } from "./wait-for-the-former.ts";
import { yieldsToCopy } from "./yields-to-copy.ts";

/** What must hold after every step, by name; the promise itself comes first. */
export const invariants: Readonly<Record<string, Invariant>> = {
  oneMasterRuns,
  goneByKillTime,
  waitForTheFormer,
  ttlNotLoweredEarly,
  handOverWhenGone,
  tokensRise,
  keysAreRespected,
  onlyOwnLeases,
  historyIsTold,
  bestIsPromoted,
  frontendsFollow,
  cleansUpAlone,
  formerEndIsTold,
  noSessionToFormer,
  givenBackWhenKilled,
  killsWhenOvertaken,
  permittedWhenPublished,
  pauseIsKept,
  promotionsAreRecorded,
  oneClusterAnswers,
  reportsAreOwn,
  lossIsOrdered,
  yieldsToCopy,
};
