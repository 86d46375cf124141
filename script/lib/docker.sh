# shellcheck shell=bash
# Sourced by script/test with script/lib/tools.sh: an engine for the container tests, the machine's own or one that is
# started here and stopped again.
DOCKER_ROOT=$TOOLS/docker
engine_pid=''
has_docker=''

# start_docker: true when `docker` works from now on; else it has said why it does not.
start_docker() {
  if command -v docker >/dev/null && docker info >/dev/null 2>&1; then has_docker=yes; return; fi
  if [ "$(id -u)" -ne 0 ]; then say "no Docker here, and only root can start it"; return 1; fi
  if ! command -v dockerd >/dev/null || ! command -v iptables >/dev/null; then
    [ -e /etc/debian_version ] || { say "no Docker here, and this is not Debian, whose packages would be installed"; return 1; }
    (require_debian_packages dockerd:docker.io iptables:iptables) || return 1
  fi
  # Newer Debians have the client in a package of its own.
  (require_debian_packages docker:docker-cli) || return 1
  docker compose version >/dev/null 2>&1 || install_compose || return 1
  start_engine
}

# The examples need Compose 2. Debian 12 has the first one only.
install_compose() {
  take_from_trixie docker-compose usr/libexec/docker/cli-plugins/docker-compose "$TOOLS/compose/cli-plugins" || return 1
  export DOCKER_CONFIG=$TOOLS/compose
  docker compose version >/dev/null 2>&1
}

# An engine with a folder and a socket of its own: nothing that the machine has under /var/lib/docker is touched.
start_engine() {
  local log
  mkdir -p "$DOCKER_ROOT"
  exec {engine_lock}>"$DOCKER_ROOT.lock"
  flock -w 600 "$engine_lock" || { say "another run of the tests holds $DOCKER_ROOT"; return 1; }
  engine_dir=$(mktemp -d /tmp/msdha-docker.XXXXXX)
  log=$engine_dir/log
  say "starting the Docker engine in $DOCKER_ROOT"
  setsid dockerd --host "unix://$engine_dir/docker.sock" --data-root "$DOCKER_ROOT" --exec-root "$engine_dir/run" \
    --pidfile "$engine_dir/pid" >"$log" 2>&1 {engine_lock}>&- &
  engine_pid=$!
  export DOCKER_HOST=unix://$engine_dir/docker.sock MSDHA_OWN_ENGINE=yes
  for _ in $(seq 300); do
    if docker info >/dev/null 2>&1; then has_docker=yes; return; fi
    kill -0 $engine_pid 2>/dev/null || break
    sleep 0.1
  done
  say "the Docker engine does not start here: $(grep -E 'level=(fatal|error)|^failed' "$log" | tail -1)"
  stop_docker
  return 1
}

# stop_docker removes what tests have left behind that were interrupted, and ends the engine if it was started here: the next
# one would start what is to be restarted.
stop_docker() {
  [ -z "$has_docker" ] || script/lib/remove-leftovers ${engine_pid:+--all} || :
  has_docker=''
  [ -n "$engine_pid" ] || return 0
  kill "$engine_pid" 2>/dev/null || :
  wait "$engine_pid" 2>/dev/null || :
  engine_pid=''
  umount "$engine_dir"/run/netns/* 2>/dev/null || :
  rm -rf "$engine_dir"
  unset DOCKER_HOST MSDHA_OWN_ENGINE
}
