import * as etcd from "./etcd-faults.ts";
import type { Fault } from "./fault.ts";
import * as hand from "./hand-faults.ts";
import * as network from "./network-faults.ts";
import * as process from "./process-faults.ts";

/** Every fault, and how often it is picked compared with the others. */
export const faults: readonly { readonly name: string; readonly weight: number; readonly fault: Fault }[] = [
  ...weighted(process, 3),
  ...weighted(network, 3),
  ...weighted(etcd, 2),
  ...weighted(hand, 1),
];

function weighted(group: Readonly<Record<string, Fault>>, weight: number) {
  return Object.entries(group).map(([name, fault]) => ({ name, weight, fault }));
}
