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

# Asks the server of this node as the user of the operating system: its socket needs no password.
sql() { timeout "${SQL_TIMEOUT:-10}" mariadb --no-defaults --socket="$SOCKET" -BN -e "$1"; }

is_answering() { [ "$(sql 'SELECT 1' 2>/dev/null)" = 1 ]; }

# replication NAME prints one field of SHOW SLAVE STATUS, or nothing on a server that follows nobody.
replication() {
  timeout 10 mariadb --no-defaults --socket="$SOCKET" -Ee 'SHOW SLAVE STATUS' | sed -n "s/^ *$1: //p"
}

# The sequence number in a position such as 0-12-345. All writes are of one domain.
number() { printf '%s' "$1" | sed -n 's/.*-//p'; }

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

# Whether these data have what the master's history lacks, or lack what the master has no log of any more.
has_parted() {
  [ "$(replication Last_IO_Errno)" = 1236 ] && return
  case $(replication Last_SQL_Errno) in '' | 0) return 1 ;; esac
}
