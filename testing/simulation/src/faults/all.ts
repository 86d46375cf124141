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

/** By name: a module's exports have an order of their own in what vitest makes of it, and a seed picks by place. */
function weighted(group: Readonly<Record<string, Fault>>, weight: number) {
  const byName = Object.entries(group).sort(([a], [b]) => (a < b ? -1 : 1));
  return byName.map(([name, fault]) => ({ name, weight, fault }));
}
