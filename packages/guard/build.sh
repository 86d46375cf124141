#!/bin/sh
# Builds the guard into bin/linux-ARCH/msdha-guard, with the machine's compiler or, for another machine's, with
# CC=aarch64-linux-gnu-gcc ARCH=arm64 ./build.sh
set -eu
cd "$(dirname "$0")"

arch=${ARCH:-$(uname -m)}
case $arch in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
esac
cc=${CC:-cc}
command -v "$cc" >/dev/null || {
  echo "packages/guard/build.sh: no C compiler '$cc': install gcc and libc6-dev (apt-get install gcc libc6-dev)" >&2
  exit 1
}

out=bin/linux-$arch
mkdir -p "$out"
# Never write to a binary that runs: a new file takes its name.
"$cc" -std=gnu11 -D_GNU_SOURCE -O2 -static -Wall -Wextra -Wshadow -Wconversion -Werror=implicit -o "$out/msdha-guard.new" c/*.c
mv "$out/msdha-guard.new" "$out/msdha-guard"
