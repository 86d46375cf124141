# shellcheck shell=sh disable=SC2154,SC2086 # what the other files here set; lists of members
# Beside the master, as long as it is the master: the standbys that its commits wait for, and what the group knows of
# them, follow who is connected. Between two steps the server waits for nobody who is not in the record, so this may end,
# or be killed, at any moment: see docs/postgresql-sync.md. Needs sync.sh.

# How long a standby may be away before it is no longer counted on, and with `preferred`, before nobody is waited for.
LONGEST_AWAY_S=2
LONGEST_ALONE_S=${MSDHA_PG_SYNC_PATIENCE:-5}
# A standby that is further behind than this is not waited for, unless it already is.
CLOSE_BYTES=16777216

# look MAX_S sets $connected to the standbys that count: that stream, have all that was there when this began, and are
# close. Returns when these are others than before, at the latest after MAX_S. While commits wait for the first one, it
# looks more often.
look() {
  [ -n "$record_standbys" ] && pause=0.1 || pause=0.01
  standbys_sql="(SELECT coalesce(string_agg(application_name, ' ' ORDER BY application_name COLLATE \"C\"), '')
    FROM pg_stat_replication WHERE state = 'streaming' AND usename = '$(escape_sql "$replicator")'
    AND application_name ~ '^[a-z0-9_.-]+\$' AND flush_lsn >= '$began_at'::pg_lsn
    AND (pg_wal_lsn_diff(pg_current_wal_flush_lsn(), flush_lsn) < $CLOSE_BYTES
      OR application_name = ANY (string_to_array('$record_standbys', ' '))))"
  connected=$(as_postgres "$bin/psql" -XAtq -v ON_ERROR_STOP=1 -h "$home" -p "$port" -U "$superuser" -d postgres -c "
    DO \$\$ BEGIN FOR i IN 1..$1 / $pause LOOP
      EXIT WHEN $standbys_sql IS DISTINCT FROM '$connected';
      COMMIT;
      PERFORM pg_sleep($pause);
    END LOOP; END \$\$" -c "SELECT $standbys_sql" 2>/dev/null)
}

# without LIST LIST prints what is in the first and not in the second.
without() {
  rest=
  for one in $1; do
    case " $2 " in
      *" $one "*) ;;
      *) rest="$rest${rest:+ }$one" ;;
    esac
  done
  printf '%s' "$rest"
}

# has_one_from POSITION LIST waits up to ten seconds for one of these standbys to have all up to there on its disk.
has_one_from() {
  [ "$(local_sql "DO \$\$ BEGIN FOR i IN 1..500 LOOP
      EXIT WHEN EXISTS (SELECT FROM pg_stat_replication WHERE flush_lsn >= '$1'::pg_lsn
        AND application_name = ANY (string_to_array('$2', ' ')));
      COMMIT;
      PERFORM pg_sleep(0.02);
    END LOOP; END \$\$" &&
    local_sql "SELECT count(*) > 0 FROM pg_stat_replication WHERE flush_lsn >= '$1'::pg_lsn
      AND application_name = ANY (string_to_array('$2', ' '))")" = t ]
}

position_now() { local_sql "SELECT pg_current_wal_flush_lsn()"; }

# count_on KIND [STANDBY ...] The record first, then the server: it never waits for one that the group does not know.
count_on() {
  put_record "$@"
  wait_for_standbys "$@"
  case $1 in
    async) say "no synchronous standby is connected: commits are acknowledged without one" ;;
    sync) say "commits wait for one of: ${record_standbys:-nobody is there}" ;;
  esac
}

# forget LIST The server first: once it does not wait for them, what only they had must be on another one. Then the record.
forget() {
  staying=$(without "$record_standbys" "$1")
  wait_for_standbys sync $staying
  # Whoever comes back is served by a process that knows the new list.
  local_sql "DO \$\$
    DECLARE old int[] = ARRAY(SELECT pid FROM pg_stat_replication
      WHERE application_name = ANY (string_to_array('$1', ' ')));
    BEGIN
      PERFORM pg_terminate_backend(pid) FROM unnest(old) AS pid;
      FOR i IN 1..500 LOOP
        IF NOT EXISTS (SELECT FROM pg_stat_replication WHERE pid = ANY (old)) THEN RETURN; END IF;
        COMMIT;
        PERFORM pg_sleep(0.02);
      END LOOP;
      RAISE 'a connection of a standby does not end';
    END \$\$"
  at=$(position_now)
  has_one_from "$at" "$staying"
  put_record sync $staying
  say "commits no longer wait for: $1"
}

# wait_again ends the asynchronous time. The server first: when every commit waits, and what was acknowledged until then
# is on a standby too, the record may say so. The checkpointer is the one that has commits wait, and a checkpoint is the
# sign that it has read its settings. It has to name all that the server waits for, also those that have less: any of them
# may have a commit acknowledged from now on.
wait_again() {
  wait_for_standbys sync $connected
  if local_sql CHECKPOINT && at=$(position_now) && has_one_from "$at" "$connected"; then
    count_on sync $connected
  else
    wait_for_standbys async
  fi
}

adjust() {
  new=$(without "$connected" "$record_standbys")
  gone=$(without "$record_standbys" "$connected")
  now=$(date +%s)
  if [ "$record_kind" = async ]; then
    [ -z "$connected" ] || wait_again
  elif [ -n "$new" ]; then
    count_on sync $record_standbys $new
  elif [ -z "$connected" ]; then
    [ -n "$since" ] || since=$now
    [ "$sync_mode" = strict ] || [ $((now - since)) -lt "$LONGEST_ALONE_S" ] || count_on async
    return 0
  elif [ -n "$gone" ]; then
    [ -n "$since" ] || since=$now
    [ $((now - since)) -lt $LONGEST_AWAY_S ] || forget "$gone"
    return 0
  fi
  since=
}

# keep_sync fresh|again returns when this node is not the master any more; fails, to be called again, when a step does.
# fresh: the master hook has just written the record. Where it names standbys, commits need nothing from here for now.
#
# again: a write that failed may still be carried out later. It isn't any more when another one has succeeded after it, so
# the record is written as it was read before the server is told anything. Until then the server may stay as it is under
# the one record and under the other.
keep_sync() {
  [ "$1" = again ] || [ -z "$record_standbys" ] || sleep 0.5
  began_at=$(position_now)
  if [ "$1" = again ]; then
    read_record
    [ "$record_token" = "$MSDHA_FENCING_TOKEN" ] || fail "the group has another master"
    put_record "$record_kind" $record_standbys
    wait_for_standbys "$record_kind" $record_standbys
  fi
  connected='' since=
  while is_master; do
    adjust
    if [ -n "$since" ]; then look 1; else look 5; fi
  done
}
