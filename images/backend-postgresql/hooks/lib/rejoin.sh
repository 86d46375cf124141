# shellcheck shell=sh disable=SC2154 # what the other files here set
# A former master, or a standby whose history parted from the master's, comes back. Needs data.sh.

# rejoin returns 0 when the data may be started as a standby.
rejoin() {
  mark=
  ! in_parent test -e "$rejoin_mark" || mark=$(in_parent cat "$rejoin_mark")
  while current_master; do
    # A standby that was not told otherwise just starts: it finds out by itself whether it can follow, and follows nobody
    # before.
    [ -n "$mark" ] || was_master || is_twin_of "$master_address" || return 0
    ! is_promoted "$master_address" || ! rewind "$master_address" || return 0
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
# of the server that it was made from. A standby that was killed is in archive recovery; in crash recovery is a master
# whose server crashed and then ended before it was up again, as on a full disk. What it wrote last may be half a record,
# which no standby gets beyond.)
was_master() {
  ! as_postgres test -e "$data/backup_label" || return 1
  case $(control "Database cluster state") in
    "in production" | "in crash recovery" | "shut down" | "shutting down") return 0 ;;
  esac
  return 1
}

# is_new: these data have never been a standby's or a master's in the group.
is_new() { ! as_postgres test -e "$data/msdha.conf"; }

# is_promoted ADDRESS: that server is promoted and its control file says so too (pg_rewind 15 and older read the
# control file, which lags behind until the first checkpoint).
is_promoted() {
  master_sql "$1" "SELECT NOT pg_is_in_recovery() AND CASE WHEN pg_is_in_recovery() THEN false
    ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int = timeline_id END
    FROM pg_control_checkpoint()" && [ "$answer" = t ]
}

# rewind ADDRESS makes the data a point in the history of that server. Where the histories did not part, pg_rewind
# says so and changes nothing.
rewind() {
  leave_a_mark rewinding
  # Standby mode is unknown to the single-user server that pg_rewind recovers a crashed master with.
  as_postgres rm -f "$data/standby.signal"
  say "pg_rewind: making the data fit the history of $master ($1)"
  rewound=yes
  report=$(as_postgres env LC_ALL=C "$bin/pg_rewind" --target-pgdata="$data" \
    --source-server="$(conninfo "$1") dbname=postgres" --no-sync 2>&1) || rewound=
  say "$report"
  if [ -z "$rewound" ]; then
    current_master && [ "$master_address" = "$1" ] && master_sql "$1" "SELECT 1" || return 1
    replace "$1" "pg_rewind can't make the data fit the history of $master"
    return
  fi
  # Two nodes that were promoted without knowing of each other give their timelines the same number, and pg_rewind
  # takes them for one. A former master is never on its successor's timeline.
  case $report in
    *"on the same timeline"*)
      if was_master || is_twin_of "$1"; then
        replace "$1" "this node and $master have different timelines of the same number"
        return
      fi
      ;;
  esac
  [ "$mark" != beyond ] || set_log_aside "$1" || return 1
  write_out "$data"
  in_parent rm -f "$rejoin_mark"
}

# set_log_aside ADDRESS keeps the files of the log away from the server in which that server's history left ours: what
# they hold from there on may be the beginning of a record that was never finished, and a standby does not read again
# what it has. It gets them from the master.
set_log_aside() {
  newest_timeline
  timeline_of "$1" || return 1
  [ -n "$own" ] && [ "$((0x$own))" -lt "$timeline" ] || return 0
  left_at "$1" "$((0x$own))" at || return 1
  [ -n "$answer" ] || return 0
  size=$(control "Bytes per WAL segment")
  first=$(printf %08X%08X "$((0x${answer%/*}))" $((0x${answer#*/} / size)))
  aside=$data.msdha-old-wal-$(date +%Y%m%dT%H%M%S)
  for file in $(as_postgres ls "$data/pg_wal" | grep -E '^[0-9A-F]{24}(\.partial)?$'); do
    number=${file%.partial} number=${number#????????}
    [ "$(printf '%s\n' "$number" "$first" | sort | head -1)" = "$first" ] || continue
    [ "$((0x${file%"${file#????????}"}))" -lt "$timeline" ] || continue
    [ -d "$aside" ] || in_parent mkdir -m 700 "$aside" || fail "PGDATA: can't create $aside"
    in_parent mv "$data/pg_wal/$file" "$aside/" || fail "PGDATA: can't move $data/pg_wal/$file to $aside"
    say "$file, in which the history of $master left ours, is kept in $aside"
  done
}

# replace ADDRESS WHY puts a clone in the place of data that are of no use, where that is allowed.
replace() {
  [ "${MSDHA_PG_RECLONE:-no}" = yes ] ||
    fail "PGDATA: $2; with MSDHA_PG_RECLONE=yes $data is cloned anew and the old data are kept aside"
  say "$2"
  clone "$1" || return 1
  set_aside
  take_into_use
}
