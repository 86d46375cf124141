import { blindFrontend } from "./blind-frontend.ts";
import { changeUser } from "./change-user.ts";
import { cloneMachine } from "./clone-machine.ts";
import * as etcd from "./etcd-faults.ts";
import type { Fault } from "./fault.ts";
import { foreignMember } from "./foreign-member.ts";
import * as hand from "./hand-faults.ts";
import { hangStorage } from "./hang-storage.ts";
import * as leap from "./leap-clocks.ts";
import * as network from "./network-faults.ts";
import { oldReads } from "./old-reads.ts";
import * as operator from "./operator.ts";
import * as pause from "./pause-machine.ts";
import * as process from "./process-faults.ts";
import * as swallow from "./swallow-events.ts";

/** A fault under its name, and how often it is picked compared with the others. */
export interface KnownFault {
  readonly name: string;
  readonly weight: number;
  readonly fault: Fault;
}

/**
 * Every fault. A seed picks by place: append new ones at the end, and never move, rename or remove one. Then a seed
 * does the same as ever when it is run with as many faults as there were when it was found.
 */
export const faults: readonly KnownFault[] = [
  { name: "freezeAtSomeStep", weight: 3, fault: process.freezeAtSomeStep },
  { name: "freezeFrontend", weight: 3, fault: process.freezeFrontend },
  { name: "freezeSupervisor", weight: 3, fault: process.freezeSupervisor },
  { name: "killContainer", weight: 3, fault: process.killContainer },
  { name: "killFrontend", weight: 3, fault: process.killFrontend },
  { name: "killGuard", weight: 3, fault: process.killGuard },
  { name: "killSupervisor", weight: 3, fault: process.killSupervisor },
  { name: "restartHaproxy", weight: 3, fault: process.restartHaproxy },
  { name: "stopNode", weight: 3, fault: process.stopNode },
  { name: "lossyNetwork", weight: 3, fault: network.lossyNetwork },
  { name: "partition", weight: 3, fault: network.partition },
  { name: "partitionAll", weight: 3, fault: network.partitionAll },
  { name: "partitionFrontend", weight: 3, fault: network.partitionFrontend },
  { name: "silenceWatches", weight: 3, fault: network.silenceWatches },
  { name: "slowNetwork", weight: 3, fault: network.slowNetwork },
  { name: "captureByStaleLeader", weight: 2, fault: etcd.captureByStaleLeader },
  { name: "changeLeader", weight: 2, fault: etcd.changeLeader },
  { name: "compact", weight: 2, fault: etcd.compact },
  { name: "cutMemberOff", weight: 2, fault: etcd.cutMemberOff },
  { name: "freezeMember", weight: 2, fault: etcd.freezeMember },
  { name: "killMember", weight: 2, fault: etcd.killMember },
  { name: "restoreSnapshot", weight: 2, fault: etcd.restoreSnapshot },
  { name: "staleLeader", weight: 2, fault: etcd.staleLeader },
  { name: "deleteDetails", weight: 1, fault: hand.deleteDetails },
  { name: "deleteGroup", weight: 1, fault: hand.deleteGroup },
  { name: "deleteLock", weight: 1, fault: hand.deleteLock },
  { name: "deleteNodeKey", weight: 1, fault: hand.deleteNodeKey },
  { name: "pretendMaster", weight: 1, fault: hand.pretendMaster },
  { name: "revokeLease", weight: 1, fault: hand.revokeLease },
  { name: "pauseMachine", weight: 2, fault: pause.pauseMachine },
  { name: "pauseAtSomeStep", weight: 2, fault: pause.pauseAtSomeStep },
  { name: "hangStorage", weight: 1, fault: hangStorage },
  { name: "blindFrontend", weight: 1, fault: blindFrontend },
  { name: "swallowEvent", weight: 1, fault: swallow.swallowEvent },
  { name: "swallowTaking", weight: 1, fault: swallow.swallowTaking },
  { name: "swallowEventOfFrontend", weight: 1, fault: swallow.swallowEventOfFrontend },
  { name: "changeUser", weight: 1, fault: changeUser },
  { name: "oldReads", weight: 1, fault: oldReads },
  { name: "pauseGroup", weight: 1, fault: operator.pauseGroup },
  { name: "holdNode", weight: 1, fault: operator.holdNode },
  { name: "takeAsksBack", weight: 1, fault: operator.takeAsksBack },
  { name: "askSwitchover", weight: 2, fault: operator.askSwitchover },
  { name: "askRestart", weight: 1, fault: operator.askRestart },
  { name: "foreignMember", weight: 1, fault: foreignMember },
  { name: "leapUptime", weight: 1, fault: leap.leapUptime },
  { name: "fallBehind", weight: 1, fault: leap.fallBehind },
  { name: "deleteReport", weight: 1, fault: hand.deleteReport },
  { name: "orderPromotion", weight: 1, fault: operator.orderPromotion },
  { name: "cloneMachine", weight: 1, fault: cloneMachine },
];
