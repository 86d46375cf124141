#!/bin/sh
# restart-first.sh SECONDS DATA RUN_DIR COMMAND [ARGUMENT]...: runs the server, and starts a master that has crashed once more where it
# was (MSDHA_PG_RESTART_FIRST). Ends with the server's exit code when it was stopped, when it was no master, when it crashes again
# within a minute, and when it is not back after SECONDS. Then another node takes over. Whoever kills a server that hangs kills this first.
seconds=$1 data=$2 run_dir=$3
shift 3
server='' stopping='' restarted=0

pass_on() {
  [ "$1" = HUP ] || stopping=$1
  kill -"$1" "$server" 2>/dev/null
}

begin() {
  "$@" &
  server=$!
  [ -z "$stopping" ] || pass_on "$stopping"
}

# A signal ends `wait` before the server has.
wait_for_end() {
  while
    wait "$server"
    code=$?
    kill -0 "$server" 2>/dev/null
  do :; done
}

is_running() { [ -e "/proc/$server/status" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$server/status"; }

takes_connections() {
  [ "$(sed -n 1p "$data/postmaster.pid" 2>/dev/null)" = "$server" ] && sed -n 8p "$data/postmaster.pid" | grep -q '^ready'
}

may_restart() {
  [ -z "$stopping" ] && [ "$code" != 0 ] && [ -e "$run_dir/is_master" ] && [ ! -e "$data/standby.signal" ] &&
    [ $(($(date +%s) - restarted)) -ge 60 ]
}

# Succeeds when the server takes connections in time. What is left of the one that crashed may need a moment to be gone.
come_back() {
  until=$((restarted + seconds))
  flock -w "$seconds" "$data/msdha.lock" true 2>/dev/null
  begin "$@"
  until takes_connections; do
    is_running && [ "$(date +%s)" -lt "$until" ] || return 1
    sleep 0.05
  done
}

for signal in HUP INT TERM QUIT; do
  # shellcheck disable=SC2064
  trap "pass_on $signal" "$signal"
done
begin "$@"
while
  wait_for_end
  may_restart
do
  restarted=$(date +%s)
  echo "the server has crashed (exit code $code): starting it again here (MSDHA_PG_RESTART_FIRST)" >&2
  if come_back "$@"; then
    echo "the server is back as the master, after $(($(date +%s) - restarted)) s" >&2
  else
    echo "the server is not back after $(($(date +%s) - restarted)) s: another node takes over" >&2
    kill -KILL "$server" 2>/dev/null
  fi
done
exit "$code"
