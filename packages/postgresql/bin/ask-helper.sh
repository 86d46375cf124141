#!/bin/sh
# ask-helper.sh CODE HOOK [ARGUMENT]...: starts the helper of this node, and asks it. msdha-postgresql comes here only with a CODE by which
# msdha-guard says that there is none: 75, none listens; 76, it ended before it had answered.
code=$1
shift
here=${0%/*}
for guard in "$here"/linux-*/msdha-guard; do [ ! -x "$guard" ] || break; done
socket=${MSDHA_RUN_DIR:-/run/msdha}/postgresql.sock

if [ -z "${MSDHA_NODE-}" ]; then
  if [ -x "$here/../lib/node" ]; then MSDHA_NODE=$here/../lib/node; else MSDHA_NODE=node; fi
fi

start_helper() {
  # The lock is the helper's as long as it lives. Who does not get it waits for the one that has it.
  # Few threads: each of them is interrupted whenever the helper acts as the server's user, also the one that waits for SIGUSR1. The
  # variables are not passed on.
  UV_THREADPOOL_SIZE=2 MALLOC_ARENA_MAX=1 setsid flock -nF "$socket.lock" \
    "$MSDHA_NODE" --disable-sigusr1 --max-semi-space-size=1 --max-old-space-size=64 --v8-pool-size=1 \
    "$here/../dist/msdha-postgresql.mjs" "$socket" </dev/null >&2 &
}

# Nobody knows how far a helper came that has ended. These hooks only look, or begin by looking at what there is already, and end the same
# however often they are run. Not pre_start, whose programs may still work on the data; not master, which refuses a server that is promoted; not
# keep, which keep-on.sh repeats where the node does not end.
may_be_repeated() {
  case $1 in
    alive | candidate | node_state_change | pre_stop | report | running_not_ready | settings | start) ;;
    *) return 1 ;;
  esac
}

tries=0 ends=0
while [ $tries -lt 1000 ]; do
  case $code in
    75) [ $((tries % 100)) != 0 ] || start_helper ;;
    76)
      ends=$((ends + 1))
      if [ $ends -gt 3 ] || ! may_be_repeated "$1"; then
        echo "msdha-postgresql: the helper of this node ended before it had answered the hook $1" >&2
        exit 1
      fi
      start_helper
      ;;
    *) break ;;
  esac
  tries=$((tries + 1))
  sleep 0.01
  "$guard" --call msdha-postgresql "$socket" "$@"
  code=$?
done
exit $code
