import type { Random } from "../random.ts";
import { accessFaults } from "./access.ts";
import { etcdFaults } from "./etcd.ts";
import type { Fault } from "./fault.ts";
import { foreignEtcdFaults } from "./foreign-etcd.ts";
import { frontendFaults } from "./frontends.ts";
import { hookFaults } from "./hooks.ts";
import { keyFaults } from "./keys.ts";
import { longFaults } from "./long-faults.ts";
import { machineFaults } from "./machine.ts";
import { networkFaults } from "./network.ts";
import { processFaults } from "./processes.ts";

/**
 * Every fault. A seed picks by place: append new ones at the end, and never move or remove one. Then a seed picks the
 * same as ever with as many faults as there were (`--faults`).
 */
export const allFaults: readonly Fault[] = [
  ...processFaults,
  ...etcdFaults.map(blinding),
  ...networkFaults,
  ...keyFaults,
  ...accessFaults.map(blinding),
  ...frontendFaults.map(blinding),
  ...longFaults,
  ...machineFaults,
  ...foreignEtcdFaults,
  ...hookFaults,
];

function blinding(fault: Fault): Fault {
  return { ...fault, blinds: true };
}

/** Picks one by the weights. */
export function pickFault(random: Random, faults: readonly Fault[]): Fault {
  const total = faults.reduce((sum, { weight = 1 }) => sum + weight, 0);
  let left = random.between(0, total);
  for (const fault of faults) {
    left -= fault.weight ?? 1;
    if (left < 0) return fault;
  }
  return random.pick(faults);
}
