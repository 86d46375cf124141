# shellcheck shell=bash
# Shared by the scripts in this folder; sourced with the repository's root as the working directory.
NODE_RELEASE=24.21.0
# The oldest that the libraries support.
OLD_NODE_RELEASE=22.21.1
PNPM_RELEASE=12.20.0
TOOLS=$PWD/.tools
export PATH="$TOOLS/node_modules/.bin:/usr/sbin:/usr/local/sbin:$PATH"
export TURBO_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1

say() { printf '%s\n' "$*" >&2; }

# quietly COMMAND… shows what a command prints only when it fails.
quietly() {
  local output
  output=$("$@" 2>&1) || { local code=$?; printf '%s\n' "$output" >&2; return $code; }
}

# require_debian_packages COMMAND:PACKAGE … installs the packages whose command (or path pattern) is missing.
require_debian_packages() {
  local pair missing=()
  for pair in "$@"; do
    # shellcheck disable=SC2086 # the part before the colon may be a path pattern
    has_command ${pair%%:*} || missing+=("${pair##*:}")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    say "missing: ${missing[*]} (install these Debian packages, or run this as root on a Debian machine)"
    exit 1
  fi
  say "installing Debian packages: ${missing[*]}"
  # The packages' own services must not start: everything here starts its own processes.
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && made=1
  fi
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
    >"${TMPDIR:-/tmp}/msdha-apt.log" 2>&1 || { local code=$?; tail -5 "${TMPDIR:-/tmp}/msdha-apt.log" >&2; [ -z "$made" ] || rm -f $policy; exit $code; }
  [ -z "$made" ] || rm -f $policy
}

has_command() {
  local candidate
  for candidate in "$@"; do
    case $candidate in
      /*) [ -e "$candidate" ] && return ;;
      *) command -v "$candidate" >/dev/null && return ;;
    esac
  done
  return 1
}

install_tools() {
  local arch
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) say "unsupported machine: $(uname -m), expected x86_64 or aarch64"; exit 1 ;;
  esac
  if [ "$("$TOOLS/node_modules/.bin/node" --version 2>/dev/null)" = "v$NODE_RELEASE" ] &&
    [ "$("$TOOLS/node_modules/.bin/pnpm" --version 2>/dev/null)" = "$PNPM_RELEASE" ]; then
    return
  fi
  command -v npm >/dev/null || { say "missing: npm (install Node.js 20 or newer)"; exit 1; }
  say "installing Node $NODE_RELEASE and pnpm $PNPM_RELEASE into .tools"
  mkdir -p "$TOOLS"
  npm install --prefix "$TOOLS" --no-save --no-audit --no-fund --loglevel=error \
    "node-linux-$arch@$NODE_RELEASE" "pnpm@$PNPM_RELEASE" >&2
}

# Installs the oldest Node that is supported, and prints where its binary is.
install_old_node() {
  local arch=x64 dir=$TOOLS/old-node
  [ "$(uname -m)" = aarch64 ] && arch=arm64
  local node=$dir/node_modules/node-linux-$arch/bin/node
  [ "$("$node" --version 2>/dev/null)" = "v$OLD_NODE_RELEASE" ] || npm install --prefix "$dir" --no-save --no-audit \
    --no-fund --loglevel=error "node-linux-$arch@$OLD_NODE_RELEASE" >&2
  printf '%s\n' "$node"
}

# trixie_apt FOLDER ARGUMENT…: runs apt-get with the packages of Debian 13, without a look at what is installed here. Lists and archives
# are below FOLDER.
trixie_apt() {
  local folder=$1
  shift
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || return 1
  mkdir -p "$folder/lists/partial" "$folder/archives/partial"
  : >"$folder/status"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main\n' >"$folder/sources.list"
  apt-get -qq -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$folder/lists" \
    -o Dir::State::status="$folder/status" -o Dir::Cache="$folder" -o Dir::Cache::archives="$folder/archives" \
    -o APT::Sandbox::User=root "$@"
}

# take_from_trixie PACKAGE FILE FOLDER: has a program of Debian 13 in a folder below .tools, where this Debian is older. Nothing
# is installed, and it must run with the libraries that are there.
take_from_trixie() {
  local package=$1 file=$2 folder=$3 made
  [ ! -x "$folder/${file##*/}" ] || return 0
  command -v apt-get >/dev/null || return 1
  say "taking ${file##*/} from Debian 13 into ${folder#"$PWD/"}"
  made=$(mktemp -d)
  mkdir -p "$folder"
  (
    cd "$made"
    trixie_apt "$made" update && trixie_apt "$made" download "$package" && dpkg-deb -x "$package"_*.deb unpacked &&
      mv "unpacked/$file" "$folder/"
  ) >&2 || { say "${file##*/} can't be had"; rm -rf "$made"; return 1; }
  rm -rf "$made"
}
