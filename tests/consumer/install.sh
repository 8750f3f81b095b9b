#!/bin/sh
# install.sh CMAKE BUILD PREFIX
#
# Installs BUILD into PREFIX, which is emptied first, as packagers do it and worse: for another prefix, into a staging folder
# (DESTDIR), which is then moved away. What is installed has to find itself wherever it lies.
set -eu
cmake=$1 build=$2 prefix=$3
stage=$prefix.stage
rm -rf "$prefix" "$stage"
trap 'rm -rf "$stage"' EXIT
DESTDIR=$stage "$cmake" --install "$build" --prefix /opt/nowhere
mv "$stage/opt/nowhere" "$prefix"
left=$(find "$stage" ! -type d)
[ -z "$left" ] || {
  echo "installed outside of the prefix: $left" >&2
  exit 1
}
