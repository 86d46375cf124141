#!/bin/sh
# msdha-postgresql restore-archive ARCHIVE TIME, as MSDHA_PG_INITDB_COMMAND: puts the newest base backup of a folder of MSDHA_PG_ARCHIVE
# that was finished before TIME (YYYY-MM-DD HH:MM:SS, in UTC) into PGDATA, and has it recover to that time.
set -eu
here=$(dirname "$(readlink -f "$0")")
archive=$1 time=$2
case $time in
  [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]\ [0-9][0-9]:[0-9][0-9]:[0-9][0-9]) ;;
  *) echo "expected a time such as 2026-11-29 08:00:00, in UTC, got $time" >&2; exit 2 ;;
esac
wanted=$(printf %s "$time" | tr -d ':-' | tr ' ' T)Z
found='' found_at=''
for folder in "$archive"/base/????????-????????T??????Z; do
  label=${folder##*/}
  at=${label#*-}
  if [ "$(printf '%s\n' "$at" "$wanted" | LC_ALL=C sort | head -n 1)" = "$at" ] &&
    [ "$(printf '%s\n' "$at" "$found_at" | LC_ALL=C sort | tail -n 1)" = "$at" ]; then
    found=$label found_at=$at
  fi
done
[ -n "$found" ] || { echo "$archive/base has no backup that was finished before $time UTC" >&2; exit 1; }
echo "restoring $archive/base/$found"
cp -R "$archive/base/$found/." "$PGDATA"
: >"$PGDATA/recovery.signal"
cat >>"$PGDATA/postgresql.auto.conf" <<EOF
restore_command = 'sh "$here/restore-wal.sh" "$archive/wal" "%p" "%f"'
recovery_target_time = '$time+00'
recovery_target_timeline = 'latest'
EOF
