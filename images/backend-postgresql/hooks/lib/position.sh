# shellcheck shell=sh disable=SC2034,SC2154 # what the other files here set, and use
# How far a server is: its timeline, and the end of the log that it has on its disk. Needs postgresql.sh.

# What is asked of this server, and in `strict` and `preferred` of others: timeline, bytes, where the timeline began, and
# three flags.
# - The end of the log is known only when the server has read all that it has: it waits for more, or has asked a master
#   for more.
# - A standby that is free follows nobody: no server that it once followed can send it anything.
# The receiver says what is on the disk; when it starts it says the beginning of a segment, which may be less than what
# was replayed.
position_sql="SELECT timeline, pg_wal_lsn_diff(position, '0/0'), pg_wal_lsn_diff(coalesce(began, position), '0/0'),
    pg_is_in_recovery(),
    pg_last_wal_receive_lsn() IS NOT NULL OR EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'startup'
      AND wait_event IN ('RecoveryWalStream', 'RecoveryRetrieveRetryInterval')),
    coalesce(current_setting('msdha.follows', true), '') = '' AND NOT EXISTS (SELECT FROM pg_stat_wal_receiver)
  FROM (SELECT greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())) AS a (position),
    (SELECT max(left(name, 8)) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}\$') AS b (timeline_name),
    LATERAL (SELECT ('x' || timeline_name)::bit(32)::int) AS c (timeline),
    LATERAL (SELECT max(split_part(line, E'\t', 2)::pg_lsn) FROM regexp_split_to_table(
      convert_from(pg_read_binary_file('pg_wal/' || timeline_name || '.history', 0, 1000000, true), 'UTF8'), '\n') AS line
      WHERE line ~ '^[0-9]+\t') AS d (began)"

# read_position ANSWER sets $timeline, $bytes, $began and the flags $standby, $settled and $free (t or f).
read_position() {
  IFS='|' read -r timeline bytes began standby settled free <<END
$1
END
  [ -n "$timeline" ] && [ -n "$bytes" ]
}

# own_position sets all that for this node, and $rank, a number of 15 digits at most. A newer timeline outranks every older
# one, up to number 19,999; on one timeline counts what was written since it began, in steps of 8 bytes (records are
# aligned to them), up to 800 GB. Beyond, nodes rank alike.
own_position() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    answer=$(local_sql "$position_sql" 2>/dev/null) || fail "the server does not answer"
    read_position "$answer" || fail "the server has no position yet"
    [ "$standby" = t ] || fail "the server is no standby"
    [ "$settled" != t ] || break
    sleep 0.02
  done
  [ "$settled" = t ] || fail "the server has not yet read all of its log"
  written=$(((bytes - began) / 8)) newest=$((timeline < 19999 ? timeline : 19999))
  [ $((timeline)) -gt 1 ] || written=$((bytes / 8))
  [ $written -lt 100000000000 ] || written=99999999999
  rank=$(((newest - 10000) * 100000000000 + written))
}
