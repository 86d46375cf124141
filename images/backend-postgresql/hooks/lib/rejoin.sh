# shellcheck shell=sh disable=SC2154 # what the other files here set
# A former master, or a standby whose history parted from the master's, comes back. Needs data.sh.

# rejoin returns 0 when the data may be started as a standby.
rejoin() {
  mark=
  ! in_parent test -e "$rejoin_mark" || mark=$(in_parent cat "$rejoin_mark")
  while current_master; do
    # A standby that was not told otherwise just starts: it finds out by itself whether it can follow.
    [ -n "$mark" ] || was_master || return 0
    if promoted_as "$master_address"; then
      [ "$(control "Latest checkpoint's TimeLineID")" != "$timeline" ] || [ -n "$mark" ] || return 0
      rewind "$master_address" && return 0
    fi
    sleep 0.2
  done
  # With no master these data are as good as any, unless a rewind was cut halfway.
  if [ "$mark" = rewinding ]; then
    say "waiting for a master: an earlier pg_rewind was cut halfway"
    until current_master; do sleep 0.2; done
    rejoin
  fi
}

# was_master: the server was the master when it last ran. (A clone that has not been started yet carries the state
# of the server that it was made from.)
was_master() {
  ! as_postgres test -e "$data/backup_label" || return 1
  case $(control "Database cluster state") in
    "in production" | "shut down" | "shutting down") return 0 ;;
  esac
  return 1
}

# is_new: these data have never been a standby's or a master's in the group.
is_new() { ! as_postgres test -e "$data/msdha.conf"; }

# promoted_as ADDRESS sets $timeline once that server is promoted and its control file says so too (pg_rewind 15
# and older read the control file, which lags behind until the first checkpoint).
promoted_as() {
  master_sql "$1" "SELECT CASE WHEN pg_is_in_recovery() THEN 0
    WHEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int = timeline_id THEN timeline_id
    ELSE 0 END FROM pg_control_checkpoint()" || return 1
  timeline=$answer
  [ "$timeline" != 0 ]
}

# rewind ADDRESS makes the data a point in the history of that server. Where the histories did not part, pg_rewind
# says so and changes nothing.
rewind() {
  leave_a_mark rewinding
  # Standby mode is unknown to the single-user server that pg_rewind recovers a crashed master with.
  as_postgres rm -f "$data/standby.signal"
  say "pg_rewind: making the data fit the history of $master ($1)"
  if as_postgres "$bin/pg_rewind" --target-pgdata="$data" --source-server="$(conninfo "$1") dbname=postgres" \
    --no-sync >&2; then
    write_out "$data"
    in_parent rm -f "$rejoin_mark"
    return 0
  fi
  current_master && [ "$master_address" = "$1" ] && master_sql "$1" "SELECT 1" || return 1
  [ "${MSDHA_PG_RECLONE:-no}" = yes ] ||
    fail "PGDATA: pg_rewind can't make $data fit the history of $master; with MSDHA_PG_RECLONE=yes it is cloned anew, the old data kept aside"
  clone "$1" || return 1
  set_aside
  take_into_use
}
