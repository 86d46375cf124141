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

# Whether these data are in the append-only file too. A copy of the master is in memory first, until that file is rewritten.
is_saved() {
  redis INFO persistence | tr -d '\r' | awk '
    $0 == "aof_rewrite_in_progress:0" { idle = 1 }
    $0 == "aof_rewrite_scheduled:1" { unsaved = 1 }
    END { exit !idle || unsaved }'
}

# follow ADDRESS: replicates from the master at this address. Does nothing where the node does so already.
follow() {
  if [ "$(replication_info role)" = slave ] && [ "$(replication_info master_host)" = "$1" ]; then return; fi
  answer=$(redis REPLICAOF "$1" "$REDIS_PORT")
  # "OK Already connected to specified master" where another hook was quicker.
  case $answer in OK*) return ;; esac
  say "can't follow $1: $answer"
  return 1
}

promote() {
  answer=$(redis REPLICAOF NO ONE)
  [ "$answer" = OK ] || { say "can't promote: $answer"; return 1; }
}

# What a master writes is a history, which has two names. The one is Redis' own, the replication id: a replica takes it over
# when it is synced. But a master without replicas takes another id when its first replica comes, so the other name is the
# master's fencing token. The master hook records both for the group: a node whose data are of another history is no candidate.
group_history() { group_value redis-history; }

# The token of this node's own time as master, once the group has its history.
OWN_TOKEN=$MSDHA_RUN_DIR/redis-token

# record_history TOKEN: on the master.
record_history() {
  names="$(replication_info master_replid) $1"
  [ "$names" = "$(cat "$OWN_TOKEN" 2>/dev/null)" ] && return
  msdha-backend put redis-history "$names" || return 1
  echo "$names" | write_whole "$OWN_TOKEN"
}

# A server that starts with an append-only file has forgotten history and position, so both are noted in a file: each
# line has a name and a number of bytes.
note() { write_whole "$NOTE"; }

# Says that this node was promoted with data that were in memory only.
UNSAVED=$MSDHA_RUN_DIR/redis-unsaved

# Notes how far this node is, where that is known for sure: on the master, and on a replica that is synced with it; and where
# these data would be there after a restart. What the group says is read first: should the master change meanwhile, it is the
# name of what this node was synced with.
note_position() {
  if [ "$(replication_info role)" = slave ]; then
    names=$(group_history) || return 0
    [ -n "$names" ] && [ "$(replication_info master_host)" = "$(master_address)" ] && is_synced && is_saved || return 0
  else
    names=$(cat "$OWN_TOKEN" 2>/dev/null) || return 0
    if [ -e "$UNSAVED" ]; then is_saved && rm "$UNSAVED" || return 0; fi
  fi
  offset=$(replication_info master_repl_offset)
  lines=$(printf '%s %s\n' "$(replication_info master_replid)" "$offset" "${names#* }" "$offset")
  [ "$lines" = "$(cat "$NOTE" 2>/dev/null)" ] || printf '%s\n' "$lines" | note
}

# Prints the server's two ids and the noted names, each with a position. A server that still has the noted id has gone on since.
own_positions() {
  offset=$(replication_info master_repl_offset)
  id=$(replication_info master_replid)
  echo "$id $offset"
  echo "$(replication_info master_replid2) $offset"
  [ -e "$NOTE" ] || return 0
  cat "$NOTE"
  awk -v id="$id" -v offset="$offset" 'NR == 1 { same = $1 == id } NR > 1 && same { print $1, offset }' "$NOTE"
}

# position_in NAMES prints how far this node is in the history with these names, or nothing.
position_in() {
  own_positions | awk -v names=" $1 " 'index(names, " " $1 " ") { print $2 }' | sort -n | tail -n 1
}

# Whether this node's data are of the group's last history.
is_of_history() { names=$(group_history) && [ -n "$(position_in "$names")" ]; }

# note_own_end POSITION: the group knows how far the last master was when it was stopped in order; or how far its replicas were, when
# one of the nodes that could take over was not connected. What the master itself had is its noted position, which it has after
# a restart too.
note_own_end() { [ "$1" = 0 ] || echo "$MSDHA_FENCING_TOKEN" | note_end - "$1"; }
noted_position() { cat "$NOTE" 2>/dev/null | awk -v token="$MSDHA_FENCING_TOKEN" '$1 == token { at = $2 } END { print at == "" ? 0 : at }'; }

# Prints how many replicas are connected, and how far the furthest of them is.
replicas() {
  redis INFO replication | tr -d '\r' | awk -F'[=,]' '
    /^slave[0-9]+:.*,state=online,offset=/ { count++; if ($8 > furthest) furthest = $8 }
    END { print count + 0, furthest == "" ? 0 : furthest }'
}
