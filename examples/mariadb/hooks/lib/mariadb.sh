# shellcheck shell=sh disable=SC2034 # for the hooks
# What the MariaDB hooks share; sourced by them.
. msdha-hooks.sh

PORT=${MARIADB_PORT:-3306}
FOLDER=${MARIADB_DIR:-/var/lib/mysql}
DATA=$FOLDER/data
PARTED=$FOLDER/parted
# A server that starts removes the temporary tables of all that share the folder.
TEMPORARY=$FOLDER/tmp
SOCKET=$MSDHA_RUN_DIR/mariadb.sock
NOTE=$DATA/msdha-history
if [ -n "${MARIADB_PASSWORD_FILE-}" ]; then MARIADB_PASSWORD=$(cat "$MARIADB_PASSWORD_FILE"); fi
if [ -n "${MARIADB_REPLICATION_PASSWORD_FILE-}" ]; then MARIADB_REPLICATION_PASSWORD=$(cat "$MARIADB_REPLICATION_PASSWORD_FILE"); fi

# quoted TEXT prints it as a string of SQL.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/[\\\\']/\\\\&/g")"; }

# Asks the server of this node as the user of the operating system: its socket needs no password. No process list shows the
# statements, which may have one.
sql() { printf '%s\n' "$1" | timeout "${SQL_TIMEOUT:-10}" mariadb --no-defaults --socket="$SOCKET" -BN; }

# Asks the server of another node. Prints rows, each column as a line with its name.
sql_at() {
  printf '%s\n' "$2" | MYSQL_PWD=$MARIADB_REPLICATION_PASSWORD timeout 2 \
    mariadb --no-defaults --host="$1" --port="$PORT" --user=replicator --connect-timeout=2 -E 2>/dev/null
}

is_answering() { [ "$(sql 'SELECT 1' 2>/dev/null)" = 1 ]; }

# replication NAME prints one field of SHOW SLAVE STATUS, or nothing on a server that follows nobody.
replication() { slave_status | sed -n "s/^ *$1: //p"; }
slave_status() { timeout 10 mariadb --no-defaults --socket="$SOCKET" -Ee 'SHOW SLAVE STATUS'; }

# The sequence number in a position such as 0-12-345. All writes are of one domain.
number() { printf '%s' "$1" | sed -n 's/.*-//p'; }

# further A B prints the greater of two numbers; 0 for none.
further() { if [ "${1:-0}" -gt "${2:-0}" ]; then echo "$1"; else echo "${2:-0}"; fi; }

# position prints how far this node is: the number of the last change that it has received. position_at ADDRESS prints the
# same of another node.
position() {
  applied=$(sql 'SELECT @@GLOBAL.gtid_current_pos') || return 1
  further "$(number "$(replication Gtid_IO_Pos)")" "$(number "$applied")"
}
position_at() {
  # An account that another version of these hooks made may not ask for the second.
  positions=$(sql_at "$1" 'SELECT @@GLOBAL.gtid_current_pos AS Applied; SHOW SLAVE STATUS') || :
  case $positions in *Applied:*) ;; *) return 1 ;; esac
  further "$(printf '%s' "$positions" | sed -n 's/^ *Gtid_IO_Pos: .*-//p')" "$(printf '%s' "$positions" | sed -n 's/^ *Applied: .*-//p')"
}

# replicate_from ADDRESS: begins at what this node has.
replicate_from() {
  if [ "$(replication Master_Host)" = "$1" ]; then return; fi
  sql "STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = 1; SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_current_pos;
    CHANGE MASTER TO MASTER_HOST = $(quoted "$1"), MASTER_PORT = $PORT, MASTER_USER = 'replicator',
      MASTER_PASSWORD = $(quoted "$MARIADB_REPLICATION_PASSWORD"), MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos;
    START SLAVE"
}

# Whether the master has taken this node's position for a part of its own history, and sends what follows.
is_following() { [ "$(replication Slave_IO_Running)" = Yes ] && [ "$(replication Slave_SQL_Running)" = Yes ]; }

# has_all_of ADDRESS: whether this node follows the master there, and has received what that had when it was asked.
has_all_of() {
  theirs=$(position_at "$1") || return 1
  [ "$theirs" != 0 ] && [ "$(replication Master_Host)" = "$1" ] && is_following && [ "$(position)" -ge "$theirs" ]
}

# Whether these data have what the master's history lacks, or lack what the master has no log of any more. Where the disk is
# full or a lock was held they only wait: alive starts the replication again.
has_parted() {
  [ "$(replication Last_IO_Errno)" = 1236 ] && return
  case $(replication Last_SQL_Errno) in '' | 0 | 1021 | 1030 | 1114 | 1205 | 1213 | 1317 | 1927) return 1 ;; esac
}

# restart_stopped ADDRESS: starts the replication again where it has stopped, on a node that follows the master there, or a former one.
restart_stopped() {
  if [ "$(replication Slave_IO_Running)" != No ] && [ "$(replication Slave_SQL_Running)" != No ]; then return; fi
  say_once "the replication has stopped, and is started again: $(replication Last_IO_Error) $(replication Last_SQL_Error)"
  # A start of both, when both have stopped, forgets what was received: the master sends it again.
  if [ "$(replication Master_Host)" = "$1" ]; then
    sql "START SLAVE"
  elif [ "$(replication Slave_IO_Running)" != No ]; then
    sql "START SLAVE SQL_THREAD"
  fi
}

# Whether no other node could take over, or none of them is connected.
is_alone() {
  [ -z "$(ready_nodes)" ] || [ "$(sql "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND = 'Binlog Dump'")" = 0 ]
}
