export type { SimulatedClient } from "./client.ts";
export type { SimulatedMember } from "./cluster.ts";
export type { LeaseRecord } from "./lessor.ts";
export type { CallName, Fate, Interceptor, Message } from "./link.ts";
export { createNamedRandom, createRandom, type Random } from "./random.ts";
export type {
  ConnectSimulatedOptions,
  EtcdSnapshot,
  SimulatedEtcd,
  SimulatedEtcdOptions,
  StoreAccess,
} from "./simulated-etcd.ts";
export { createSimulatedEtcd } from "./simulated-etcd.ts";
export type { Change } from "./store.ts";
