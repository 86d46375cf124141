/**
 * Every variable that some part of MSDHA reads. What one app is given may be the other's, where both get the same
 * environment; a name that is not here is a misspelling. `*` at the end stands for all that begin so: `MSDHA_PG_` are
 * the PostgreSQL hooks', `MSDHA_X_` are free for hooks of one's own.
 */
export const allVariables: readonly string[] = [
  "MSDHA_ADDRESS",
  "MSDHA_BIND",
  "MSDHA_CONNECT_TIMEOUT",
  "MSDHA_DRAIN",
  "MSDHA_ETCD_TIMEOUT",
  "MSDHA_GROUP",
  "MSDHA_GUARD_BINARY",
  "MSDHA_HAPROXY",
  "MSDHA_HOOKS_DIR",
  "MSDHA_HOOKS_ETCDCTL",
  "MSDHA_HOOK_TIMEOUT",
  "MSDHA_IDLE_TIMEOUT",
  "MSDHA_LOG_FORMAT",
  "MSDHA_LOG_LEVEL",
  "MSDHA_LOG_SESSIONS",
  "MSDHA_LOOKUP_INTERVAL",
  "MSDHA_MASTER_TTL",
  "MSDHA_MAXCONN",
  "MSDHA_NAME",
  "MSDHA_NODE",
  "MSDHA_NODE_STATE_CHANGE_FAILURE",
  "MSDHA_PARK",
  "MSDHA_PG_*",
  "MSDHA_PORT",
  "MSDHA_RUN_DIR",
  "MSDHA_STATUS_PORT",
  "MSDHA_STOP_GRACE",
  "MSDHA_STOP_SIGNAL",
  "MSDHA_STOP_TIMEOUT",
  "MSDHA_THREADS",
  "MSDHA_TTL",
  "MSDHA_X_*",
];
