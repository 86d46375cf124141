import type { RunFiles } from "@msdha/backend";
import type { Clock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import type { Guard } from "@msdha/guard";
import type { RunFacts } from "../facts/facts.ts";
import type { World } from "../world/world.ts";

/**
 * What a node's production code works with. A mutation replaces one of them by one that breaks a rule; the code
 * itself stays as it is.
 */
export interface Collaborators {
  readonly etcd?: (etcd: EtcdApi, run: RunFacts, world: World) => EtcdApi;
  readonly clock?: (clock: Clock, run: RunFacts, world: World) => Clock;
  readonly guard?: (guard: Guard, run: RunFacts, world: World) => Guard;
  /** A guard that starts things also when it is past its deadline, and forgets to kill them. */
  readonly startsPastDeadline?: boolean;
  readonly files?: (files: RunFiles, run: RunFacts, world: World) => RunFiles;
  /** Frontends that go on with the last master they saw, whether it is proven or not. */
  readonly frontendsNeedNoProof?: boolean;
  /** The etcd of frontends. */
  readonly frontendEtcd?: (etcd: EtcdApi, world: World) => EtcdApi;
}
