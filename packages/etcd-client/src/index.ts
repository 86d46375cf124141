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
  RangeRequest,
  RangeResult,
  RangeStart,
  Transaction,
  TransactionResult,
  TxnOptions,
  WatchEvent,
  WatchMessage,
  WatchRequest,
  WatchStream,
} from "./api.ts";
export {
  type ClusterIdentity,
  type ClusterIdentityOptions,
  createClusterIdentity,
  type EtcdMemberInfo,
} from "./cluster-identity.ts";
export { type CombineOptions, combineMembers } from "./combine.ts";
export { type ConnectEtcdOptions, connectEtcd, type Etcd } from "./connect.ts";
export {
  EtcdAuthError,
  EtcdClusterError,
  type EtcdClusterOf,
  EtcdCompactedError,
  EtcdLeaseNotFoundError,
  EtcdNoSpaceError,
  EtcdRequestError,
  EtcdTooLargeError,
  EtcdUnavailableError,
  EtcdVersionError,
  isEtcdError,
} from "./errors.ts";
export { createKeyCalls, type KeyCallOptions, type KeyCalls } from "./key-calls.ts";
export { type ConnectOptions, connectMember, type EtcdMember } from "./member.ts";
export { type OpenEtcdOptions, openEtcd } from "./open-etcd.ts";
export { prefixRangeEnd } from "./prefix.ts";
export { rangeAnswer } from "./range-answer.ts";
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
export { decodeText, encodeText } from "./text.ts";
export { describeOldVersion, minimumVersions } from "./version.ts";
export { type WaitForEtcdOptions, waitForEtcd } from "./wait-for-etcd.ts";
