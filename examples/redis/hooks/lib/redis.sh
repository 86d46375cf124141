# shellcheck shell=sh
# What the Redis hooks share; sourced by them.
. msdha-hooks.sh

REDIS_PORT=${REDIS_PORT:-6379}
REDIS_DIR=${REDIS_DIR:-/data}
REDIS_SOCKET=$MSDHA_RUN_DIR/redis.sock
NOTE=$REDIS_DIR/msdha-history
if [ -n "${REDIS_PASSWORD_FILE-}" ]; then REDIS_PASSWORD=$(cat "$REDIS_PASSWORD_FILE"); fi
# redis-cli reads the password from here, so that no process list shows it.
if [ -n "${REDIS_PASSWORD-}" ]; then export REDISCLI_AUTH="$REDIS_PASSWORD"; fi

# Asks the server of this node. The answer is standard output alone.
redis() { timeout 2 redis-cli -s "$REDIS_SOCKET" "$@"; }

# replication_info NAME prints one field of INFO replication, or nothing.
replication_info() { redis INFO replication | tr -d '\r' | sed -n "s/^$1://p"; }

is_answering() { [ "$(redis PING 2>/dev/null)" = PONG ]; }

# Whether everything that the master had is here, and what it writes arrives.
is_synced() { [ "$(replication_info master_link_status)" = up ]; }

# follow ADDRESS: replicates from the master at this address. Does nothing where the node does so already.
follow() {
  if [ "$(replication_info role)" = slave ] && [ "$(replication_info master_host)" = "$1" ]; then return; fi
  answer=$(redis REPLICAOF "$1" "$REDIS_PORT")
  [ "$answer" = OK ] || { say "can't follow $1: $answer"; return 1; }
}

# Redis gives the writes of each master, its history, an id; a replica takes the id over when it is synced. The master
# hook records the id for the group: a node whose data are of another history is no candidate.
group_history() { group_value redis-history; }

# A server that starts with an append-only file has forgotten history and position, so both are noted in a file: each
# line has an id and a number of bytes.
note() { write_whole "$NOTE"; }

# Notes how far this node is, where that is known for sure: on the master, and on a replica that is synced with it.
note_position() {
  if [ "$(replication_info role)" = slave ] && ! is_synced; then return; fi
  line="$(replication_info master_replid) $(replication_info master_repl_offset)"
  [ "$line" = "$(cat "$NOTE" 2>/dev/null)" ] || echo "$line" | note
}

# Prints the lines of the server's two histories, then the noted ones.
own_positions() {
  offset=$(replication_info master_repl_offset)
  echo "$(replication_info master_replid) $offset"
  echo "$(replication_info master_replid2) $offset"
  cat "$NOTE" 2>/dev/null || :
}
