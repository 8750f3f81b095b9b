#!/bin/sh
# compile.sh DIRECTORY SOURCE COMPILER LANGUAGE STANDARD [FLAG...]
#
# Compiles SOURCE as a plugin's author with strict habits would, and checks what comes out: a plugin exports its entry
# and nothing else, and carries a note that readelf can read. A source that is no plugin (layout.c) is only compiled.
set -eu
here=$(dirname "$0")
api=$here/../../plugin-api
directory=$1 source=$2 compiler=$3 language=$4 standard=$5
shift 5
mkdir -p "$directory"
plugin=$(mktemp "$directory/plugin.XXXXXX")
trap 'rm -f "$plugin"' EXIT

"$compiler" -x "$language" -std="$standard" "$@" \
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-align -Wundef -Werror \
  -shared -fPIC -I "$api/include" "$source" -o "$plugin" -Wl,--version-script="$api/cmake/forklift_plugin.map"

case $source in *layout.c) exit 0 ;; esac
"$here/exports.sh" "$plugin"
readelf --notes --wide "$plugin" | grep -q '^ *Forklift  *0x00000084' || {
  echo "$plugin: no readable note of Forklift's; readelf -n says:" >&2
  readelf --notes --wide "$plugin" >&2
  exit 1
}
