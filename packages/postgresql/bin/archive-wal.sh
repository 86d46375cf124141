#!/bin/sh
# archive_command: archive-wal.sh FOLDER PATH NAME. Copies a file of the log so that the archive has it whole or not at all,
# and on the disk before PostgreSQL lets go of it. One that is there already must be the same.
set -eu
umask 077
new=$1/.new-$3.$$
if [ -e "$1/$3" ]; then
  cmp -s "$2" "$1/$3" || {
    echo "the archive has another $3: two masters have begun the same timeline" >&2
    exit 1
  }
else
  # A server that was killed may have left some of it.
  rm -f "$1/.new-$3".*
  trap 'rm -f "$new"' EXIT
  cp "$2" "$new"
  # Where that fails, PostgreSQL keeps the file, and tries again.
  sync "$new"
  mv "$new" "$1/$3"
fi
# Not every file system can write out a folder alone.
sync "$1" 2>/dev/null || sync
