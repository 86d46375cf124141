export { type Child, type ChildOptions, startChild } from "./child.ts";
export { undoAtExit } from "./cleanup.ts";
export { type EtcdOptions, startEtcd } from "./etcd.ts";
export { type AuthOptions, enableAuth } from "./etcd-auth.ts";
export { type EtcdCluster, type EtcdClusterOptions, startEtcdCluster } from "./etcd-cluster.ts";
export { type EtcdMember, type EtcdMemberOptions, startEtcdMember } from "./etcd-member.ts";
export { type EtcdAccess, etcdctl } from "./etcdctl.ts";
export { type Load, startLoad } from "./load.ts";
export { findNameServerObstacle, type NameServer, startNameServer } from "./name-server.ts";
export {
  askName,
  type NamedServer,
  openSession,
  type Session,
  startNamedServer,
} from "./named-server.ts";
export { getFreePort, getFreePorts } from "./ports.ts";
export { readPrefixBy } from "./read-prefix.ts";
export { makeSetuidProgram } from "./setuid-program.ts";
export { type ProxyMode, startTcpProxy, type TcpProxy, type TcpProxyOptions } from "./tcp-proxy.ts";
export { type TempDir, tempDir } from "./temp-dir.ts";
export {
  type DiskTrouble,
  diskTroubles,
  findDiskObstacle,
  mountTestDisk,
  type TestDisk,
} from "./test-disk.ts";
export { createTlsFiles, renewTlsFiles, type TlsFiles, type TlsOptions } from "./tls.ts";
export { type WaitForOptions, waitFor } from "./wait-for.ts";
