# shellcheck shell=sh disable=SC2034 # some of it is for the files that source this one
# Sourced by every hook: the settings, the PostgreSQL programs, and SQL on this node and on the master.
#
# Run as root, the hooks do their work on the data as the user postgres (MSDHA_PG_OS_USER); run as any other user
# they just run. Nothing here needs bash.

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# secret NAME sets $secret to the value of NAME, or to what the file NAME_FILE holds.
secret() {
  eval "secret=\${$1-} secret_file=\${$1_FILE-}"
  # shellcheck disable=SC2154 # set by eval
  if [ -n "$secret_file" ]; then
    [ -z "$secret" ] || fail "$1 and $1_FILE: expected one of them, got both"
    [ -r "$secret_file" ] || fail "$1_FILE: can't read $secret_file"
    secret=$(cat "$secret_file")
  fi
}

name=$MSDHA_NAME
run_dir=${MSDHA_RUN_DIR:-/run/msdha}
data=${PGDATA:-/var/lib/postgresql/data}
port=${PGPORT:-5432}
secret POSTGRES_USER
superuser=${secret:-${PGUSER:-postgres}}
secret POSTGRES_DB
database=${secret:-$superuser}
secret=
replicator=${MSDHA_PG_REPLICATION_USER:-replicator}
os_user=${MSDHA_PG_OS_USER:-postgres}
# Our own folder: PostgreSQL's socket and the password file. Only its owner and root get in, so that the local
# connections of the hooks need no password.
home=$run_dir/postgresql
# Beside the data: what an earlier run left for pre_start, and the folder in which new data are made.
parent=${data%/*}
rejoin_mark=$data.msdha-rejoin
temporary=$data.msdha-new
# In data that came from an archive, until they have streamed from a master: they lack what was not archived.
incomplete_mark=$data/msdha.incomplete

# What the environment says about clients must not lead psql astray.
unset PGHOST PGHOSTADDR PGUSER PGPASSWORD PGDATABASE PGSERVICE PGOPTIONS PGDATA PGPORT
export PGCONNECT_TIMEOUT=3

sync_mode=${MSDHA_PG_SYNC:-off}
archive=${MSDHA_PG_ARCHIVE-}
# Copies in our own folder, since PostgreSQL refuses keys that others can read, as secrets often can be.
tls=${MSDHA_PG_SSL_KEY:+yes}
tls_mode=${MSDHA_PG_SSL_MODE:-${MSDHA_PG_SSL_CA:+verify-full}}

as_root=
[ "$(id -u)" != 0 ] || as_root=yes
if [ "$as_root" ]; then
  os_group=$(id -g "$os_user" 2>/dev/null) || fail "MSDHA_PG_OS_USER: there is no user $os_user"
  as_postgres() { setpriv --reuid="$os_user" --regid="$os_group" --init-groups "$@"; }
else
  as_postgres() { "$@"; }
fi

# first_line FILE sets $line to the first line of a file that postgres may read; fails where there is none.
first_line() {
  line=
  if [ "$as_root" ]; then
    line=$(as_postgres head -n 1 "$1" 2>/dev/null) && [ -n "$line" ]
  else
    { read -r line <"$1" || [ -n "$line" ]; } 2>/dev/null
  fi
}

# in_parent COMMAND … runs as postgres where that user may write, so that root follows nobody's links.
in_parent() {
  if as_postgres test -w "$parent"; then as_postgres "$@"; else "$@"; fi
}

# leave_a_mark parted|beyond|rewinding for the next pre_start.
leave_a_mark() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  in_parent sh -c 'printf "%s\n" "$1" >"$2"' sh "$1" "$rejoin_mark" || fail "PGDATA: can't write $rejoin_mark"
}

has_mark() { in_parent test -e "$rejoin_mark"; }

forget_mark() { ! has_mark || in_parent rm -f "$rejoin_mark"; }

# find_programs sets $bin: MSDHA_PG_BIN, the version that the data want, what PATH has, the newest of Debian's folders.
find_programs() {
  wanted=
  [ ! -r "$data/PG_VERSION" ] || read -r wanted <"$data/PG_VERSION"
  try_programs "${MSDHA_PG_BIN-}" "/usr/lib/postgresql/$wanted/bin" && return
  # shellcheck disable=SC2046 # a list of folders without white space
  try_programs "$(dirname "$(command -v postgres)")" $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) ||
    fail "PostgreSQL's programs are not found: set MSDHA_PG_BIN to their folder"
}

try_programs() {
  for bin; do
    [ ! -x "$bin/postgres" ] || [ ! -x "$bin/pg_controldata" ] || [ ! -x "$bin/pg_basebackup" ] || return 0
  done
  return 1
}
find_programs

is_master() { [ -e "$run_dir/is_master" ]; }

# current_master sets $master to the master's name and $master_address to its address; fails when there is no
# master or it is this node.
current_master() {
  master='' master_address=''
  { read -r master <"$run_dir/current_master" || [ -n "$master" ]; } 2>/dev/null || return 1
  { read -r master_address <"$run_dir/current_master_address" || [ -n "$master_address" ]; } 2>/dev/null || return 1
  [ -n "$master" ] && [ -n "$master_address" ] && [ "$master" != "$name" ]
}

# local_sql STATEMENT asks this node's server as the superuser, over its socket.
local_sql() {
  as_postgres "$bin/psql" -XAtq -v ON_ERROR_STOP=1 -h "$home" -p "$port" -U "$superuser" -d postgres -c "$1"
}

# conninfo ADDRESS [MEMBER] prints how to reach a server as the replication user; the password is in a file. Only what
# streams for good is called MEMBER: a clone in the making must not count as a synchronous standby.
conninfo() {
  printf "host='%s' port=%s user='%s' passfile='%s' application_name='%s' connect_timeout=3" \
    "$(escape "$1")" "$port" "$(escape "$replicator")" "$(escape "$home/pgpass")" "${2:-msdha hook}"
  [ -z "$tls" ] || printf " sslmode=%s" "${tls_mode:-require}"
  [ -z "${MSDHA_PG_SSL_CA-}" ] || printf " sslrootcert='%s'" "$(escape "$home/tls.ca")"
}

# member_of NODE prints what a node's standby is called in pg_stat_replication and in synchronous_standby_names, which
# know 63 characters and neither upper nor lower case: the node's name wherever that will do.
member_of() {
  if [ ${#1} -gt 60 ]; then
    slot_name "$1"
  else
    case $1 in
      *[!abcdefghijklmnopqrstuvwxyz0123456789_.-]*) slot_name "$1" ;;
      *) printf '%s' "$1" ;;
    esac
  fi
}

# slot_name NODE prints the name in the letters that a slot may have, with a checksum so that two names stay two.
slot_name() {
  checksum=$(printf '%s' "$1" | cksum)
  case $1 in
    ????????????????????????????????????????* | *[!abcdefghijklmnopqrstuvwxyz0123456789_]*)
      letters=$(printf '%s' "$1" | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9_' '_' | cut -c1-40) ;;
    *) letters=$1 ;;
  esac
  printf 'msdha_%s_%s' "$letters" "${checksum%% *}"
}

# escape TEXT for use between single quotes in a connection string.
escape() {
  case $1 in
    *[\\\']*) printf '%s' "$1" | sed "s/[\\\\']/\\\\&/g" ;;
    *) printf '%s' "$1" ;;
  esac
}

# master_sql ADDRESS STATEMENT asks another node's server as the replication user. What it may not do, and credentials and
# certificates that are refused, end the hook: no waiting mends them.
#
# Clients may take all connections, and keep them until a standby follows, when their commits wait for it. A server that
# refuses one is asked again over one of those that it keeps for standbys, if it is one statement without a semicolon:
# PostgreSQL 13 and 14 take nothing else there.
master_sql() {
  ! ask_server "$1" "$2" || return 0
  case $2 in
    *\;*) ;;
    *)
      case $answer in
        *FATAL:*) ! ask_server "$1" "$2" replication=database || return 0 ;;
      esac
      ;;
  esac
  case $answer in
    *FATAL:*"authentication failed"* | *FATAL:*pg_hba.conf* | *FATAL:*"does not exist"* | *"no password supplied"* | \
      *ERROR:*"permission denied"*)
      fail "$1 refuses the replication user $replicator: $(printf '%s' "$answer" | sed -n 's/.*\(FATAL: .*\|ERROR: .*\|fe_sendauth.*\)/\1/p' | head -1)"
      ;;
    *"SSL error"* | *certificate* | *"not support SSL"*)
      fail "no connection to $1 over TLS: $(printf '%s' "$answer" | tail -1 | sed 's/.*failed: //')"
      ;;
  esac
  return 1
}

# ask_server ADDRESS STATEMENT [OPTION] sets $answer; fails where that is an error.
ask_server() {
  answer=$(as_postgres "$bin/psql" -XAtqw -v ON_ERROR_STOP=1 -d "$(conninfo "$1") dbname=postgres ${3-}" -c "$2" 2>&1)
}

# control FIELD [FOLDER] prints a field of pg_controldata.
control() {
  controls=$(control_data "${2:-$data}")
  field "$1"
}

# control_data [FOLDER] prints all that pg_controldata tells; field NAME prints a field of that, out of $controls.
control_data() { as_postgres env LC_ALL=C "$bin/pg_controldata" "${1:-$data}"; }
field() {
  value=${controls#*"$1:"}
  [ "$value" != "$controls" ] || return 0
  value=${value%%
*}
  printf '%s\n' "${value#"${value%%[! ]*}"}"
}

# write_out FOLDER returns when all of it is on the disk: the whole file system at once, which takes a small part of the
# time that PostgreSQL's programs need for one file after another.
write_out() { sync -f "$1" 2>/dev/null || sync; }

# write_out_file PATH returns when a file, and that it is there, are on the disk.
write_out_file() { sync "$1" "${1%/*}" 2>/dev/null || sync; }

# write_file PATH writes its input to a file of the user postgres (mode 600), at once or not at all.
write_file() {
  if [ "$as_root" ]; then
    # shellcheck disable=SC2016 # expanded by the inner shell
    as_postgres sh -c 'umask 077; cat >"$1.$$" && mv -f "$1.$$" "$1"' sh "$1"
  else
    (umask 077 && cat >"$1.$$" && mv -f "$1.$$" "$1")
  fi
}

# write_lines PATH LINE ... writes lines to such a file, with fewer processes.
write_lines() {
  written_file=$1
  shift
  if [ "$as_root" ]; then
    printf '%s\n' "$@" | write_file "$written_file"
  else
    (umask 077 && printf '%s\n' "$@" >"$written_file.$$" && mv -f "$written_file.$$" "$written_file")
  fi
}
