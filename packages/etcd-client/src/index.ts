export type {
  CallOptions,
  Compare,
  EtcdApi,
  KeyRange,
  KeyValue,
  LeaseGrant,
  LeaseId,
  Operation,
  OperationResult,
  PageStart,
  RangeRequest,
  RangeResult,
  Transaction,
  TransactionResult,
  WatchEvent,
  WatchMessage,
  WatchRequest,
  WatchStream,
} from "./api.ts";
export { type CombineOptions, combineMembers } from "./combine.ts";
export { connectEtcd, type Etcd } from "./connect.ts";
export {
  EtcdAuthError,
  EtcdCompactedError,
  EtcdLeaseNotFoundError,
  EtcdRequestError,
  EtcdUnavailableError,
  isEtcdError,
} from "./errors.ts";
export { type ConnectOptions, connectMember, type EtcdMember } from "./member.ts";
export { prefixRangeEnd } from "./prefix.ts";
export { type ReadAllOptions, readAll } from "./read-all.ts";
export { readEtcdSettings } from "./read-settings.ts";
export {
  describeEndpoints,
  type EtcdEndpoint,
  type EtcdSettings,
  type EtcdTlsFiles,
  type EtcdUser,
} from "./settings.ts";
export { type EtcdSettingProblem, EtcdSettingsError } from "./settings-error.ts";
export { type WaitForEtcdOptions, waitForEtcd } from "./wait-for-etcd.ts";
