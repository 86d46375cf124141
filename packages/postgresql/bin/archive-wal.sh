#!/bin/sh
# archive_command: archive-wal.sh FOLDER PATH NAME. Copies a file of the log so that the archive has it whole or not at all,
# and on the disk before PostgreSQL lets go of it. One that is there already must be the same.
set -eu
umask 077
new=$1/.new-$3.$$
copied=
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
  copied=yes
fi
complaint=$(LC_ALL=C sync "$1" 2>&1) || case $complaint in
  # Not every file system can write out a folder alone, or lets the server read it.
  *"Invalid argument"* | *"Bad file descriptor"* | *"Permission denied"*) sync ;;
  *)
    echo "$complaint" >&2
    # What this run has put there is put there again: a second sync may not repeat what the first one said.
    [ -z "$copied" ] || rm -f "$1/$3"
    exit 1
    ;;
esac
