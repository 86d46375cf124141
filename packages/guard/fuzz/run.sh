#!/bin/sh
# Fuzzes the guard's parser of commands under AddressSanitizer and UndefinedBehaviorSanitizer, and says how many of its
# lines were run: fuzz/run.sh [FRAMES] [SEED]
set -eu
cd "$(dirname "$0")"
frames=${1:-200000} seed=${2:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
parser="channel commands roll withdraw"
flags="-std=gnu11 -D_GNU_SOURCE -g -Drecv=fuzz_recv -Dsend=fuzz_send -Dkill=fuzz_kill"

for file in $parser; do
  # shellcheck disable=SC2086 # several flags
  cc $flags -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -c -o "$work/$file.o" "../c/$file.c"
  # shellcheck disable=SC2086
  (cd "$work" && cc $flags -O0 --coverage -c -o "$file-coverage.o" "$OLDPWD/../c/$file.c")
done
# shellcheck disable=SC2086
cc $flags -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -o "$work/fuzz" fuzz.c "$work"/channel.o \
  "$work"/commands.o "$work"/roll.o "$work"/withdraw.o
# shellcheck disable=SC2086
cc $flags -O0 --coverage -o "$work/fuzz-coverage" fuzz.c "$work"/*-coverage.o
"$work/fuzz" "$frames" "$seed"
few=$frames
[ "$few" -le 200000 ] || few=200000
"$work/fuzz-coverage" "$few" "$seed" >/dev/null
for file in $parser; do
  (cd "$work" && gcov -n "$file-coverage.o" 2>/dev/null) | awk -v file="$file.c" '
    /^File/ { ours = index($0, "/" file) } ours && /^Lines/ { sub(/^Lines executed:/, ""); print file ": lines run " $0; ours = 0 }'
done
