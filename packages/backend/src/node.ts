import type { Clock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import type { Lease, Nonce } from "@msdha/etcd-lease";
import type { ObservedRevisions } from "@msdha/etcd-lock";
import type { GroupFollower, Membership } from "@msdha/group";
import type { Guard } from "@msdha/guard";
import type { HookRunner } from "@msdha/hook-runner";
import type { Log } from "@msdha/log";
import type { BackendConfig } from "./config.ts";
import type { Fence } from "./fence.ts";
import type { PresentHooks } from "./hooks.ts";
import type { KillPermission } from "./kill-permission.ts";
import type { LatestReport } from "./latest-report.ts";
import type { LivenessRecord } from "./liveness.ts";
import type { MainProcess, MainProcessKeeper } from "./main-process.ts";
import type { NodeEnd } from "./node-end.ts";
import type { NodeStateChanges } from "./node-state-change-hook.ts";
import type { Role, RoleKeeper } from "./role.ts";
import type { RunFiles } from "./run-files.ts";
import type { Succession } from "./succession.ts";

/** The world outside, as a node needs it. */
export interface BackendPorts {
  readonly etcd: EtcdApi;
  readonly clock: Clock;
  readonly guard: Guard;
  readonly hooks: HookRunner;
  readonly files: RunFiles;
  readonly log: Log;
  /** Whether a process may keep a signal from the program that it started. */
  readonly mayKeepSignal: (pid: number, signal: NodeJS.Signals) => boolean;
  /** Makes what this node writes to prove its lock different from what any other writes. */
  readonly nonce: Nonce;
  /** The wall clock, in ms since 1970, which can be set: for what people read, and for when a pause ends. */
  readonly wallNow: () => number;
  /** What the main process and every hook find in their environment. */
  readonly baseEnvironment: Readonly<Record<string, string>>;
}

/** A node that has joined its group, and what it holds. Nothing here is assigned: each part changes itself. */
export interface Node extends BackendPorts {
  readonly config: BackendConfig;
  readonly present: PresentHooks;
  /** What all answers of etcd say of its revisions. */
  readonly observed: ObservedRevisions;
  readonly lease: Lease;
  readonly fence: Fence;
  readonly permission: KillPermission;
  readonly follower: GroupFollower;
  readonly changes: NodeStateChanges;
  readonly membership: Membership;
  readonly role: Role;
  readonly become: RoleKeeper["become"];
  readonly end: NodeEnd;
  readonly succession: Succession;
  /** Aborts when someone at the terminal does not want to wait for a stop. */
  readonly haste: AbortSignal;
  readonly mainProcess: MainProcessKeeper;
  /** The main process, once it was started. */
  readonly main: MainProcess | undefined;
  readonly liveness: LivenessRecord;
  readonly latestReport: LatestReport;
  /** Follows the group no more. */
  unfollow(): void;
  /** Does that, and lets go of what is held in etcd: the lease and every key on it. */
  close(): Promise<void>;
}
