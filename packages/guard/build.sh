#!/bin/sh
# Builds the guard into bin/linux-ARCH/msdha-guard, with the machine's compiler or, for another machine's, with
# CC=aarch64-linux-gnu-gcc ARCH=arm64 ./build.sh; OUT=FOLDER puts it elsewhere.
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

out=${OUT:-bin/linux-$arch}
mkdir -p "$out"
warnings="-Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wvla -Wstrict-prototypes -Werror=implicit"
# SANITIZE=1 is for tests: linked to the machine's own libraries, which the sanitizers need.
if [ "${SANITIZE:-}" ]; then
  hardening="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"
else
  hardening="-O2 -static-pie -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 -Wl,-z,relro,-z,now"
fi
# Never write to a binary that runs: a new file takes its name. One of each build's own: two may run at once.
# shellcheck disable=SC2086 # several flags
"$cc" -std=gnu11 -D_GNU_SOURCE -pthread $hardening $warnings -o "$out/msdha-guard.$$" c/*.c
mv "$out/msdha-guard.$$" "$out/msdha-guard"
