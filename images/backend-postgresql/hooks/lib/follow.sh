# shellcheck shell=sh disable=SC2034,SC2154 # what the other files here set, and use
# How a standby follows the master: its settings, its replication slot, and whether the two histories have parted.
# Needs postgresql.sh.

settings=$data/msdha.conf
# Who the master's commits wait for.
sync_settings=$data/msdha-sync.conf
# What the candidate hook has found out, for its next run and for the master hook: this node's rank, the record, and the
# standbys that were in sync and have as much as this node.
heard_file=$home/heard

# standby_names [STANDBY ...] sets $names to how synchronous_standby_names says it.
standby_names() {
  names=
  for standby in "${@:-msdha nobody}"; do names="$names${names:+, }\"$standby\""; done
  names="ANY 1 ($names)"
}

# follow_current_master [again] writes msdha.conf for the master of this moment. What it says stays while there is no
# master, so that a stopping one can still send its last records. Returns 0 when it wrote it, 3 when there was no need,
# and 4 when this node must not follow that master: it would write the log of another history over its own. 5: that is
# not known yet, since the master did not tell. Then this node follows nobody, and has to ask again.
#
# Hooks run beside one another: one at a time decides whom to follow.
follow_current_master() {
  written=0
  (
    flock 9
    code=3
    while current_master && { [ "${1-}" = again ] || [ "$(followed)" != "$master_address" ]; }; do
      twin=0
      is_twin_of "$master_address" reserve || twin=$?
      case $twin in
        0) exit 4 ;;
        2)
          [ "$(followed)" != "$master_address" ] || exit 3
          [ -n "${told_unknown-}" ] || say "following nobody until $master ($master_address) tells of its history: $answer"
          follow_nobody
          exit 5
          ;;
      esac
      standby_settings "$master_address" "$slot" | write_file "$settings"
      code=0
      set --
    done
    exit $code
  ) 9>>"$home/follow.lock" || written=$?
  [ $written != 1 ] || exit 1
  [ $written != 5 ] || told_unknown=yes
  return $written
}

# follow_nobody, called under the lock, has this standby receive nothing more from whom it has followed. What it has heard
# of others was true as long as it followed nobody.
follow_nobody() {
  [ -n "$(followed)" ] || return 0
  as_postgres rm -f "$heard_file"
  standby_settings '' '' | write_file "$settings"
  reload
}

# followed prints the address that msdha.conf names.
followed() {
  ! first_line "$settings" || case $line in
    '# Follows: '*) printf '%s' "${line#'# Follows: '}" ;;
  esac
}

# reserve_wal ADDRESS has the master keep what this node has not received yet (no more than MSDHA_PG_SLOT_KEEP).
# A slot that lost its claim is made anew. Sets $slot; empty where there is none, which only means that
# MSDHA_PG_WAL_KEEP has to do.
reserve_wal() {
  set_slot_sql
  slot=
  ! master_sql "$1" "$reserve_sql; SELECT $slot_sql" || slot=$answer
}

# set_slot_sql sets $reserve_sql, a statement that never fails, and $slot_sql, which tells the slot that there is then.
set_slot_sql() {
  wanted_slot=$(slot_name "$name") reserve_sql=
  slot_sql="(SELECT slot_name FROM pg_replication_slots WHERE slot_name = '$wanted_slot')"
  [ "${MSDHA_PG_SLOT_KEEP:-1GB}" != 0 ] || {
    slot_sql="''"
    return 0
  }
  reserve_sql="DO \$\$ BEGIN
    PERFORM pg_drop_replication_slot(slot_name) FROM pg_replication_slots
      WHERE slot_name = '$wanted_slot' AND wal_status = 'lost' AND NOT active;
    IF $slot_sql IS NULL THEN
      PERFORM pg_create_physical_replication_slot('$wanted_slot', true);
    END IF;
  EXCEPTION WHEN OTHERS THEN NULL; END \$\$"
}

# standby_settings ADDRESS SLOT, both empty for a standby that follows nobody.
standby_settings() {
  cat <<END
# Follows: $1
# Written by the hooks whenever the master changes. Do not edit: put your settings into postgresql.conf.
primary_conninfo = '$([ -z "$1" ] || conninfo "$1" "$(member_of "$name")" | sed "s/'/''/g")'
msdha.follows = '$(escape_sql "$1")'
primary_slot_name = '$2'
recovery_target_timeline = 'latest'
hot_standby = on
wal_log_hints = on
wal_keep_size = '${MSDHA_PG_WAL_KEEP:-128MB}'
max_slot_wal_keep_size = '${MSDHA_PG_SLOT_KEEP:-1GB}'
wal_retrieve_retry_interval = '1s'
wal_sender_timeout = '6s'
restart_after_crash = off
$(fast_recovery)
$(archive_settings)
$([ "$sync_mode" = off ] || echo "include_if_exists = 'msdha-sync.conf'")
END
}

archive_settings() {
  [ -n "$archive" ] || return 0
  cat <<END
archive_mode = on
archive_command = 'sh "$hooks/lib/archive-wal.sh" "$archive/wal" "%p" "%f"'
restore_command = 'sh "$hooks/lib/restore-wal.sh" "$archive/wal" "%p" "%f"'
END
}

# Before it recovers, a server writes all its data out: the file system at once, not one file after another.
fast_recovery() {
  ! first_line "$data/PG_VERSION" || [ "$line" -lt 14 ] || echo "recovery_init_sync_method = 'syncfs'"
}

# reload tells the running server to read its settings again; nothing where there is no server.
reload() {
  ! first_line "$data/postmaster.pid" || as_postgres kill -HUP "$line" 2>/dev/null || :
}

# timeline_of ADDRESS sets $timeline to that server's; fails where it does not answer or is still to be promoted.
timeline_of() {
  master_sql "$1" "SELECT CASE WHEN pg_is_in_recovery() THEN 0
    ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END" || return 1
  timeline=$answer
  [ "$timeline" != 0 ]
}

# streams_from ADDRESS: this node receives from that server, on its present timeline. (For a moment a server also
# sends the end of the timeline before to a standby that has gone beyond it.)
streams_from() {
  timeline_of "$1" && [ "$(local_sql "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'
    AND sender_host = '$(escape_sql "$1")' AND sender_port = $port AND received_tli = $timeline" 2>/dev/null)" = 1 ]
}

escape_sql() {
  case $1 in
    *\'*) printf '%s' "$1" | sed "s/'/''/g" ;;
    *) printf '%s' "$1" ;;
  esac
}

# cannot_follow ADDRESS: this standby holds what that master does not have; sets $mark to what the next start has to know.
cannot_follow() {
  if parted_from "$1"; then
    mark=parted
  elif asks_beyond "$1"; then
    mark=beyond
  else
    return 1
  fi
}

# parted_from ADDRESS: this standby holds records that the master's history does not have, so it can't ever follow.
# Unknown (a server that does not answer, a master still to be promoted) counts as not parted.
parted_from() {
  # The position first: whatever timeline it is on, its log has a file by the time that the files are listed.
  replayed=$(local_sql "SELECT pg_last_wal_replay_lsn()" 2>/dev/null) || return 1
  ours=$(local_sql "SELECT ('x' || max(left(name, 8)))::bit(32)::int FROM pg_ls_waldir()
    WHERE name ~ '^[0-9A-F]{24}\$'" 2>/dev/null) || return 1
  timeline_of "$1" && [ "$timeline" != "$ours" ] || return 1
  [ "$timeline" != 1 ] || return 0
  left_at "$1" "$ours" "coalesce(max(at) < '$replayed', true)" || return 1
  [ "$answer" = t ]
}

# left_at ADDRESS TIMELINE EXPRESSION asks a server that is on $timeline for an expression about $at, where its history
# left that older timeline (no row where it never was on it).
left_at() {
  master_sql "$1" "SELECT $3 FROM (SELECT split_part(line, E'\t', 2)::pg_lsn
    FROM regexp_split_to_table(convert_from(pg_read_binary_file('$(printf 'pg_wal/%08X.history' "$timeline")'), 'UTF8'), '\n') AS line
    WHERE split_part(line, E'\t', 1) = '$2') AS a (at)"
}

# asks_beyond ADDRESS: this standby asks for log that begins in a file which the master has not reached. It has the first
# part of a record that a former master never finished, up to the end of a file, and looks for the rest of it in the next
# one, instead of reading that record again as the master has it.
asks_beyond() {
  asked=$(local_sql "SELECT pg_last_wal_receive_lsn()" 2>/dev/null) || return 1
  [ -n "$asked" ] && timeline_of "$1" || return 1
  master_sql "$1" "SELECT trunc(pg_wal_lsn_diff('$asked', '0/0') / size) > trunc(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0') / size)
    FROM (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size') AS a (size)" && [ "$answer" = t ]
}

# is_twin_of ADDRESS [reserve]: two promotions that did not know of each other have begun timelines of one number; this node has
# records of the one, that server of the other. By number, and by where they begin, they may look the same, so the first
# record of the timeline is compared, or the latest checkpoint on it that this node knows: both have the time in them.
# Works with this node's server down too. Returns 1 when it is none, and 2 when that server does not tell; a node that
# knows the first timeline only is nobody's twin. `reserve` does in the same question what reserve_wal does, if it can.
is_twin_of() {
  set_slot_sql
  slot=
  [ "${2-}" = reserve ] || reserve_sql=
  newest_timeline
  first_record
  histories_sql="SELECT max(left(name, 8)), $theirs_sql, $slot_sql FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}\$'"
  master_sql "$1" "${reserve_sql:+$reserve_sql; }$histories_sql" || {
    [ -n "$own" ] && [ "$own" != 00000001 ] || return 1
    # See master_sql.
    case $reserve_sql$answer in
      *\;*FATAL:*) master_sql "$1" "$histories_sql" || return 2 ;;
      *) return 2 ;;
    esac
  }
  IFS='|' read -r newest theirs slot <<END
$answer
END
  [ -n "$own" ] && [ "$own" != 00000001 ] || return 1
  [ -n "$newest" ] || return 2
  [ "$((0x$newest))" -ge "$((0x$own))" ] || return 0
  [ "$own" = "$newest" ] && [ -n "$record" ] && [ -n "$theirs" ] && [ "$theirs" != "$record" ]
}

# first_record sets $record to the beginning of the record that is compared, and $theirs_sql to what asks for another
# server's; '' and NULL where there is none.
first_record() {
  record='' theirs_sql=NULL
  [ -n "$own" ] && [ "$own" != 00000001 ] || return 0
  controls=$(control_data)
  if [ "$(printf %08X "$(field "Latest checkpoint's TimeLineID")")" = "$own" ]; then
    place=$(field "Latest checkpoint location")
  else
    place=$(as_postgres sed -n 's/^[0-9]*\t\([0-9A-F/]*\)\t.*/\1/p' "$data/pg_wal/$own.history" | tail -1)
  fi
  [ -n "$place" ] || return 0
  size=$(field "Bytes per WAL segment") low=$((0x${place#*/}))
  segment=pg_wal/$own$(printf %08X%08X "$((0x${place%/*}))" $((low / size)))
  # shellcheck disable=SC2046 # the bytes, one by one
  record=$(printf '%s' $(as_postgres od -An -v -tx1 -j $((low % size)) -N 24 "$data/$segment" 2>/dev/null))
  theirs_sql="encode(pg_read_binary_file('$segment', $((low % size)), 24, true), 'hex')"
}

# newest_timeline sets $own, in eight digits, to the newest timeline that there is a file of the log of.
newest_timeline() {
  own=
  # shellcheck disable=SC2045 # names of PostgreSQL's making, in order
  for file in $(as_postgres ls "$data/pg_wal"); do
    case $file in
      *[!0123456789ABCDEF]*) continue ;;
      ????????????????????????) own=${file%????????????????} ;;
    esac
  done
}
