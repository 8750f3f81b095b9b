#!/bin/sh
# kept_pointers.sh COMPILER
#
# AddressSanitizer sees a plugin that keeps what ends with produce() or destroy(): forklift/testing.hpp has all of it in
# memory of its own, and frees it in time. Built here with the sanitizer, whatever the build around it has.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/kept_pointers.XXXXXX")
trap 'rm -rf "$folder"' EXIT

"$1" -std=c++17 -g -fsanitize=address -I "$here/../../../plugin-api/include" "$here/keeps_pointers.cc" \
  -o "$folder/keeps_pointers" -ldl

# expect STATUS WORDS KIND: the program's end, and what it says there.
expect() {
  status=0
  ASAN_OPTIONS=exitcode=99:abort_on_error=0:log_path=stderr "$folder/keeps_pointers" "$3" >"$folder/said" 2>&1 || status=$?
  if [ "$status" -eq "$1" ] && grep -q "$2" "$folder/said"; then return; fi
  echo "$3: it ended with $status instead of $1, or did not say \"$2\":"
  cat "$folder/said"
  exit 1
}

expect 0 'nothing was seen' nothing
expect 0 'nothing was seen' 'deferred nothing'
for kind in env variable value body out setting service host 'deferred env' 'deferred value' 'deferred out'; do expect 99 'heap-use-after-free' "$kind"; done
expect 99 'heap-buffer-overflow' behind
