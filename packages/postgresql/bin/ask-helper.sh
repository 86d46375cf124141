#!/bin/sh
# ask-helper.sh HOOK [ARGUMENT]...: asks the helper of this node, and starts it where none answers. msdha-postgresql comes here only then.
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

# 75: no helper answers.
tries=0
while
  "$guard" --call msdha-postgresql "$socket" "$@"
  code=$?
  [ $code = 75 ] && [ $tries -lt 1000 ]
do
  [ $((tries % 100)) != 0 ] || start_helper
  tries=$((tries + 1))
  sleep 0.01
done
exit $code
