# shellcheck shell=sh disable=SC2154 # what the other files here set
# The data directory: made by the one node of the group that wins the claim, cloned by the others, rewound by a
# former master. Needs postgresql.sh and follow.sh.
#
# New data are made in a temporary folder beside the data directory and renamed when they are whole. Only that
# folder, which carries our mark, is ever removed; data that have to give way are kept under another name.

has_data() { as_postgres test -f "$data/PG_VERSION" && as_postgres test -f "$data/global/pg_control"; }

# prepare_place makes sure that data can be put where they belong.
prepare_place() {
  [ -d "$parent" ] || mkdir -p "$parent" 2>/dev/null || fail "PGDATA: can't create $parent"
  as_postgres test -x "$parent" || fail "PGDATA: the user $(as_postgres id -un) can't enter $parent"
  has_data && return
  [ ! -e "$data" ] || [ -d "$data" ] || fail "PGDATA: $data is not a folder"
  [ ! -d "$data" ] || as_postgres ls "$data" >/dev/null 2>&1 || in_parent ls "$data" >/dev/null 2>&1 ||
    fail "PGDATA: the user $(as_postgres id -un) can't read $data"
  [ ! -d "$data" ] || [ -z "$(in_parent ls -A "$data")" ] ||
    fail "PGDATA: $data is neither empty nor a PostgreSQL data directory; it is left as it is"
  [ ! -d "$data" ] || in_parent rmdir "$data" 2>/dev/null ||
    fail "PGDATA: $data can't be replaced; where it is a mount point, set PGDATA to a folder inside of it"
  clear_temporary
  new_temporary
  [ -e "$temporary/initialised" ] || clear_temporary
}

new_temporary() {
  [ ! -d "$temporary" ] || return 0
  in_parent mkdir -m 700 "$temporary" 2>/dev/null || fail "PGDATA: the user $(as_postgres id -un) can't write to $parent"
  [ ! "$as_root" ] || chown "$os_user:" "$temporary"
  : | write_file "$temporary/msdha-temporary"
}

# clear_temporary removes what a cut initdb or clone left; a finished initdb is kept for its claim.
clear_temporary() {
  [ -d "$temporary" ] && [ ! -e "$temporary/initialised" ] || return 0
  if as_postgres test -e "$temporary/msdha-temporary"; then
    in_parent rm -rf "$temporary"
  else
    in_parent rmdir "$temporary" 2>/dev/null || fail "PGDATA: $temporary is in the way and not ours"
  fi
}

take_into_use() {
  # What a clone brought along of its master's.
  as_postgres rm -f "$temporary/data/msdha.master" "$temporary/data/msdha-sync.conf"
  in_parent mv "$temporary/data" "$data"
  in_parent rm -rf "$temporary"
  in_parent rm -f "$rejoin_mark"
}

# initialise: true when this node now has the group's data; false when the group has data already.
initialise() {
  if ! as_postgres test -e "$temporary/initialised"; then
    secret POSTGRES_INITDB_ARGS
    initdb_args=$secret
    secret POSTGRES_PASSWORD
    auth=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    [ -n "$secret" ] || [ "$auth" = trust ] ||
      fail "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE: expected the superuser's password, got none"
    clear_temporary
    new_temporary
    say "initialising the group's data in $data"
    [ -n "${LANG-}${LC_ALL-}" ] || locale=--locale=C.UTF-8
    printf '%s\n' "$secret" | write_file "$temporary/password"
    # shellcheck disable=SC2086 # the arguments are a list
    as_postgres "$bin/initdb" -D "$temporary/data" --no-sync --data-checksums --encoding=UTF8 ${locale-} \
      --username="$superuser" ${secret:+--pwfile="$temporary/password"} --auth-local=trust --auth-host="$auth" \
      $initdb_args >/dev/null || fail "initdb failed"
    as_postgres rm -f "$temporary/password"
    as_postgres tee -a "$temporary/data/pg_hba.conf" >/dev/null <<END

# The other nodes and the clients.
host all all all $auth
host replication "$replicator" all scram-sha-256
END
    make_roles
    run_scripts
    write_out "$temporary/data"
    : | write_file "$temporary/initialised"
  fi
  claim_identifier "$temporary/data"
  if [ "$ours" = "$theirs" ]; then
    take_into_use
  else
    say "the group has data already (system identifier $theirs): waiting for a master to clone them from"
    as_postgres rm -f "$temporary/initialised"
    clear_temporary
    return 1
  fi
}

# claim_identifier FOLDER sets $ours to the cluster that the data there are of and $theirs to the group's: the first
# that any node claimed.
claim_identifier() {
  ours=$(control "Database system identifier" "$1")
  [ -n "$ours" ] || fail "PGDATA: pg_controldata can't read $1"
  theirs=$(msdha-backend claim postgresql-system-identifier "$ours") || fail "can't claim the system identifier"
}

# The replication user and the database, in single-user mode: nothing listens yet, no password is an argument.
make_roles() {
  secret MSDHA_PG_REPLICATION_PASSWORD
  {
    echo "SET password_encryption = 'scram-sha-256'"
    # echo would take what is behind a backslash for its own.
    printf "CREATE ROLE \"%s\" REPLICATION LOGIN PASSWORD '%s'\n" "$replicator" "$(escape_sql "$secret")"
    # How far a server is.
    echo "GRANT pg_monitor TO \"$replicator\""
    # What pg_rewind reads on its source.
    echo "GRANT EXECUTE ON FUNCTION pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean)," \
      "pg_read_binary_file(text), pg_read_binary_file(text, bigint, bigint, boolean) TO \"$replicator\""
    [ "$database" = postgres ] || echo "CREATE DATABASE \"$database\" OWNER \"$superuser\""
  } | as_postgres "$bin/postgres" --single -D "$temporary/data" -c log_min_error_statement=panic postgres \
    2>&1 >/dev/null | grep -E 'ERROR|FATAL|PANIC' >&2 && fail "the roles could not be made"
  return 0
}

# run_scripts runs what the official image runs once, in /docker-entrypoint-initdb.d, on a server that nobody else reaches.
run_scripts() {
  scripts=${MSDHA_PG_INITDB_DIR:-/docker-entrypoint-initdb.d}
  [ -d "$scripts" ] && [ -n "$(ls -A "$scripts")" ] || return 0
  as_postgres "$bin/pg_ctl" -D "$temporary/data" -w -l "$home/initdb.log" start >/dev/null \
    -o "-c listen_addresses='' -c unix_socket_directories='$home' -c unix_socket_permissions=0700 -p $port" ||
    fail "no server for the scripts in $scripts could be started: $(as_postgres tail -1 "$home/initdb.log")"
  for script in "$scripts"/*; do
    say "running $script"
    run_script "$script" || {
      as_postgres "$bin/pg_ctl" -D "$temporary/data" -w -m immediate stop >/dev/null
      fail "$script failed: the data that it was to fill are not taken into use"
    }
  done
  as_postgres "$bin/pg_ctl" -D "$temporary/data" -w -m fast stop >/dev/null
}

run_script() {
  set -- "$1" env PGHOST="$home" PGPORT="$port" PGUSER="$superuser" PGDATABASE="$database" \
    POSTGRES_USER="$superuser" POSTGRES_DB="$database" PGDATA="$temporary/data" PATH="$bin:$PATH"
  script=$1
  shift
  case $script in
    *.sh)
      if [ -x "$script" ]; then as_postgres "$@" "$script"; else as_postgres "$@" "$(command -v bash || echo sh)" "$script"; fi
      ;;
    *.sql) as_postgres "$@" psql -Xqv ON_ERROR_STOP=1 -f "$script" ;;
    *.sql.gz) gunzip -c "$script" | as_postgres "$@" psql -Xqv ON_ERROR_STOP=1 ;;
    *.sql.xz) xz -dc "$script" | as_postgres "$@" psql -Xqv ON_ERROR_STOP=1 ;;
    *.sql.zst) zstd -dc "$script" | as_postgres "$@" psql -Xqv ON_ERROR_STOP=1 ;;
    *) say "ignoring $script" ;;
  esac >&2
}

# clone ADDRESS: true when the data are here, whole.
clone() {
  if ! master_sql "$1" "SELECT 1"; then
    [ "$1" = "${unreachable-}" ] || say "waiting for $master ($1), to clone the data from it: $(printf '%s' "$answer" | tail -1)"
    unreachable=$1
    return 1
  fi
  clear_temporary
  new_temporary
  reserve_wal "$1"
  say "cloning the data of $master ($1)"
  if as_postgres "$bin/pg_basebackup" -w -d "$(conninfo "$1")" -D "$temporary/data" -X stream -c fast --no-sync \
    ${slot:+-S "$slot"} >&2; then
    write_out "$temporary/data"
    return 0
  fi
  say "the clone was cut short and will be tried again"
  clear_temporary
  return 1
}

# set_aside keeps data that can't be used any more.
set_aside() {
  aside=$data.msdha-old-$(date +%Y%m%dT%H%M%S)
  in_parent mv "$data" "$aside" && say "the old data are kept in $aside; remove them when nothing in them is missed"
}

# check_data refuses data of another cluster or version, before anything is changed in them.
check_data() {
  as_postgres test -w "$data" || fail "PGDATA: the user $(as_postgres id -un) can't write to $data"
  wanted=$(as_postgres cat "$data/PG_VERSION")
  have=$("$bin/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
  [ "$wanted" = "$have" ] || fail "PGDATA: $data is of PostgreSQL $wanted, the programs in $bin are $have"
  as_postgres test -f "$data/postgresql.conf" || fail "PGDATA: $data has no postgresql.conf"
  claim_identifier "$data"
  [ "$ours" = "$theirs" ] ||
    fail "PGDATA: $data belongs to another cluster (system identifier $ours, the group's is $theirs)"
}

# configure makes the next start a standby's, whatever a clone or rewind brought along.
configure() {
  : | write_file "$data/standby.signal"
  owned='primary_conninfo\|primary_slot_name\|recovery_target_timeline'
  if [ "$sync_mode" = off ]; then
    as_postgres rm -f "$sync_settings"
  else
    owned="$owned\\|synchronous_standby_names"
    standby_names
    write_lines "$sync_settings" "synchronous_standby_names = '$names'"
  fi
  as_postgres sed -i "/^\($owned\)/d" "$data/postgresql.auto.conf"
  as_postgres grep -q "^include_if_exists = 'msdha.conf'" "$data/postgresql.conf" ||
    printf "\ninclude_if_exists = 'msdha.conf'\n" | as_postgres tee -a "$data/postgresql.conf" >/dev/null
  standby_settings '' '' | write_file "$settings"
  follow_current_master || :
}
