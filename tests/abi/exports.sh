#!/bin/sh
# exports.sh PLUGIN.so...
#
# Each plugin exports forklift_plugin_v1 and nothing else, so that none can take another's symbols, or the server's.
set -eu
for plugin; do
  exported=$(nm --dynamic --defined-only --format=posix "$plugin" | cut -d' ' -f1)
  [ "$exported" = forklift_plugin_v1 ] || {
    printf '%s exports more or less than forklift_plugin_v1:\n%s\n' "$plugin" "$exported" >&2
    exit 1
  }
done
