# shellcheck shell=sh disable=SC2034,SC2154 # what the other files here set, and use
# The settings, looked at before anything is touched: each that is wrong ends pre_start with one line. Needs
# postgresql.sh.

check_settings() {
  for setting in $(env | sed -n 's/^\(MSDHA_PG_[A-Za-z0-9_]*\)=.*/\1/p'); do
    case ${setting#MSDHA_PG_} in
      ARCHIVE | ARCHIVE_KEEP | ARCHIVE_PROMOTE | ARGS | BIN | CHECKPOINT_TIMEOUT | HANDOVER | INITDB_DIR | LISTEN) ;;
      OS_USER | RECLONE | REPLICATION_PASSWORD | REPLICATION_PASSWORD_FILE | REPLICATION_USER | SLOT_KEEP) ;;
      SSL_CA | SSL_CERT | SSL_KEY | SSL_MODE | STOP_WAIT | SYNC | SYNC_PATIENCE | WAL_KEEP) ;;
      *) fail "$setting: there is no such setting" ;;
    esac
  done
  choice MSDHA_PG_SYNC off preferred strict
  choice MSDHA_PG_RECLONE yes no
  choice MSDHA_PG_HANDOVER received clean
  choice MSDHA_PG_ARCHIVE_PROMOTE yes no
  choice MSDHA_PG_SSL_MODE require verify-ca verify-full
  for setting in CHECKPOINT_TIMEOUT STOP_WAIT SYNC_PATIENCE ARCHIVE_KEEP; do
    eval "value=\${MSDHA_PG_$setting:-0}"
    case $value in
      *[!0-9]* | ??????*) fail "MSDHA_PG_$setting: expected a whole number, got $value" ;;
    esac
  done
  [ "${MSDHA_PG_ARCHIVE_KEEP:-2}" -gt 0 ] || fail "MSDHA_PG_ARCHIVE_KEEP: expected at least 1, got 0"
  [ "$superuser" != "$replicator" ] ||
    fail "MSDHA_PG_REPLICATION_USER: expected another user than the superuser $superuser"
  [ -z "${POSTGRES_INITDB_WALDIR-}" ] || fail "POSTGRES_INITDB_WALDIR: not supported, the log stays in PGDATA"
  for value in "$superuser" "$replicator" "$database"; do
    case $value in
      *[\"\\\']* | *"$newline"*)
        fail "POSTGRES_USER, POSTGRES_DB, MSDHA_PG_REPLICATION_USER: expected no quotes and backslashes, got $value" ;;
    esac
  done
  secret MSDHA_PG_REPLICATION_PASSWORD
  [ -n "$secret" ] ||
    fail "MSDHA_PG_REPLICATION_PASSWORD or MSDHA_PG_REPLICATION_PASSWORD_FILE: expected a password, got none"
  check_tls
  check_archive
}

newline='
'

# choice NAME VALUE ... fails when the setting has any other value.
choice() {
  setting=$1
  shift
  eval "value=\${$setting:-$1}"
  for allowed; do
    [ "$value" != "$allowed" ] || return 0
  done
  fail "$setting: expected $(printf '%s, ' "$@" | sed 's/, $//; s/\(.*\), /\1 or /'), got $value"
}

check_tls() {
  [ -n "${MSDHA_PG_SSL_CERT-}${MSDHA_PG_SSL_KEY-}${MSDHA_PG_SSL_CA-}${MSDHA_PG_SSL_MODE-}" ] || return 0
  for setting in CERT KEY; do
    eval "file=\${MSDHA_PG_SSL_$setting-}"
    [ -n "$file" ] || fail "MSDHA_PG_SSL_$setting: expected a file, since other settings of TLS are given"
  done
  for setting in CERT KEY CA; do
    eval "file=\${MSDHA_PG_SSL_$setting-}"
    [ -z "$file" ] || [ -r "$file" ] || fail "MSDHA_PG_SSL_$setting: can't read $file"
  done
  case ${MSDHA_PG_SSL_MODE-} in
    verify*) [ -n "${MSDHA_PG_SSL_CA-}" ] || fail "MSDHA_PG_SSL_CA: expected a file, since MSDHA_PG_SSL_MODE is $MSDHA_PG_SSL_MODE" ;;
  esac
}

check_archive() {
  [ -n "$archive" ] || return 0
  # The path goes through the shells and formats of two commands.
  case $archive$hooks in
    *[!A-Za-z0-9_./-]*) fail "MSDHA_PG_ARCHIVE: expected a path of letters, digits and _ . / -, got $archive" ;;
  esac
  case $archive in
    /*) ;;
    *) fail "MSDHA_PG_ARCHIVE: expected an absolute path, got $archive" ;;
  esac
  as_postgres mkdir -p "$archive/wal" "$archive/base" 2>/dev/null || :
  { as_postgres test -w "$archive/wal" && as_postgres test -w "$archive/base"; } ||
    fail "MSDHA_PG_ARCHIVE: the user $(as_postgres id -un) can't write to $archive"
}
