# shellcheck shell=sh disable=SC2154 # what the other files here set
# MSDHA_PG_ARCHIVE: base backups (base/TIMELINE-DATE) and the log (wal/), in a folder that the nodes share, or of each one's
# own. Needs data.sh.

# newest_base_backup prints its folder; nothing where there is none.
newest_base_backup() {
  # shellcheck disable=SC2012 # names of our own making
  [ -z "$archive" ] || as_postgres ls "$archive/base" 2>/dev/null | sort | tail -1
}

has_base_backup() { [ -n "$archive" ] && [ -n "$(newest_base_backup)" ]; }

# restore_base_backup makes the data from the archive. They lack what was not archived yet, so the node won't be promoted
# before it has streamed from a master, unless MSDHA_PG_ARCHIVE_PROMOTE allows it.
restore_base_backup() {
  base=$archive/base/$(newest_base_backup)
  clear_temporary
  new_temporary
  say "there is no master: restoring the data from $base"
  if ! as_postgres cp -R "$base" "$temporary/data"; then
    clear_temporary
    return 1
  fi
  as_postgres chmod 700 "$temporary/data"
  claim_identifier "$temporary/data"
  [ "$ours" = "$theirs" ] ||
    fail "MSDHA_PG_ARCHIVE: $base belongs to another cluster (system identifier $ours, the group's is $theirs)"
  : | write_file "$temporary/data/msdha.incomplete"
  write_out "$temporary/data"
}

# make_base_backup adds one to the archive and removes what more than MSDHA_PG_ARCHIVE_KEEP of them leave of no use.
make_base_backup() {
  new=$archive/base/.new
  # The one of a former master that did not finish.
  as_postgres rm -rf "$new"
  as_postgres "$bin/pg_basebackup" -w -h "$home" -p "$port" -U "$superuser" -D "$new" -X stream -c fast --no-sync >&2 || {
    say "the base backup failed"
    return 1
  }
  as_postgres rm -f "$new/msdha.master" "$new/msdha-sync.conf"
  write_out "$new"
  label=$(local_sql "SELECT upper(lpad(to_hex(timeline_id), 8, '0')) FROM pg_control_checkpoint()")-$(date -u +%Y%m%dT%H%M%SZ)
  as_postgres mv "$new" "$archive/base/$label"
  write_out "$archive/base"
  as_postgres ls "$archive/base" | sort -r | tail -n +$((${MSDHA_PG_ARCHIVE_KEEP:-2} + 1)) | while read -r old; do
    as_postgres rm -rf "$archive/base/$old"
  done
  oldest=$(as_postgres ls "$archive/base" | sort | head -1)
  first=$(as_postgres sed -n 's/^START WAL LOCATION: .*(file \(.*\))$/\1/p' "$archive/base/$oldest/backup_label")
  [ -z "$first" ] || as_postgres "$bin/pg_archivecleanup" "$archive/wal" "$first"
  say "made the base backup $label"
}
