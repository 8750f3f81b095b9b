#!/bin/sh
# files.sh PREFIX SOURCE BUILD CMAKE LIBDIR
#
# What is installed is whole, and knows neither the folder that it was built in nor the prefix that it was installed for. (Debug
# information does, and is left out here.)
set -eu
prefix=$1 source=$2 build=$3 cmake=$4 libdir=$5
status=0
fail() {
  printf '%s\n' "$*" >&2
  status=1
}

while read -r file; do
  [ -e "$prefix/$file" ] || fail "not installed: $file"
done <<'FILES'
sbin/forklift
share/man/man8/forklift.8
share/man/man5/forklift.yaml.5
share/doc/Forklift/minimal.yaml
share/doc/Forklift/full.yaml
share/doc/Forklift/forklift.schema.json
share/doc/Forklift/forklift.service
share/doc/Forklift/forklift.socket
share/doc/Forklift/LICENSE
share/doc/Forklift/plugin-api/README.md
share/cmake/Forklift/ForkliftConfig.cmake
share/cmake/Forklift/ForkliftConfigVersion.cmake
share/cmake/Forklift/ForkliftAddPlugin.cmake
share/cmake/Forklift/forklift_plugin.map
share/pkgconfig/forklift.pc
FILES
for plugin in "$source"/plugins/*/; do
  name=$(basename "$plugin")
  [ -e "$prefix/$libdir/forklift/$name.so" ] || fail "not installed: the plugin $name"
done
diff -r "$source/plugin-api/include" "$prefix/include" || fail "the headers are not those of the source"

bare=$(mktemp)
trap 'rm -f "$bare"' EXIT
for file in $(find "$prefix" -type f); do
  cp "$file" "$bare"
  case $file in
    */sbin/* | *.so)
      objcopy --strip-debug "$file" "$bare"
      if readelf --dynamic "$file" | grep -E 'RPATH|RUNPATH'; then fail "$file looks for libraries in folders of its own"; fi
      ;;
  esac
  for folder in "$source" "$build" "$prefix" /opt/nowhere; do
    if grep -qF "$folder" "$bare"; then fail "$file names $folder"; fi
  done
done

# The examples' plugins are where they say.
"$prefix/sbin/forklift" check "$prefix/share/doc/Forklift/minimal.yaml" || fail "the installed example is no good"

# Who runs the server needs no headers, who writes plugins no server.
folder=$(mktemp -d)
trap 'rm -rf "$bare" "$folder"' EXIT
"$cmake" --install "$build" --prefix "$folder/runtime" --component runtime >"$folder/log"
"$cmake" --install "$build" --prefix "$folder/development" --component development >>"$folder/log"
for part in include share/cmake share/pkgconfig; do
  [ ! -e "$folder/runtime/$part" ] || fail "the component runtime has $part"
done
for part in sbin lib share/man; do
  [ ! -e "$folder/development/$part" ] || fail "the component development has $part"
done
(cd "$prefix" && find . -type f | sort) >"$folder/all"
{ (cd "$folder/runtime" && find . -type f) && (cd "$folder/development" && find . -type f); } | sort >"$folder/parts"
diff "$folder/all" "$folder/parts" || fail "the two components are not all that there is"
exit "$status"
