#!/bin/sh
# pkg_config.sh PREFIX SOURCES CC CXX
#
# The two plugins of SOURCES, built without CMake: by one line each, with what pkg-config says.
set -eu
prefix=$1 sources=$2 cc=$3 cxx=$4
here=$(dirname "$0")
export PKG_CONFIG_LIBDIR="$prefix/share/pkgconfig"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

pkg-config 'forklift >= 1.0'
if pkg-config 'forklift >= 2.0'; then
  echo "forklift.pc says that it is API 2.0" >&2
  exit 1
fi

strict="-Wall -Wextra -Wpedantic -Werror"
# What the documentation says, word by word: the flags alone, also with hidden visibility.
"$cc" $strict -shared -fPIC $(pkg-config --cflags forklift) "$sources/c/greeting.c" -o flags.so
"$cc" $strict -shared -fPIC -fvisibility=hidden $(pkg-config --cflags forklift) "$sources/c/greeting.c" -o hidden.so
"$cxx" $strict -std=c++17 -shared -fPIC -fvisibility=hidden $(pkg-config --cflags forklift) "$sources/c++/greeting.cc" \
  -o flags_cc.so
# With the libraries' part too nothing but the entry is exported, in C++ as well.
"$cc" $strict -shared -fPIC $(pkg-config --cflags --libs forklift) "$sources/c/greeting.c" -o all.so
"$cxx" $strict -std=c++17 -shared -fPIC $(pkg-config --cflags --libs forklift) "$sources/c++/greeting.cc" -o all_cc.so
"$here/../abi/exports.sh" flags.so hidden.so all.so all_cc.so

for plugin in *.so; do
  cat >server.yaml <<YAML
apps:
  - { name: greeting, plugin: $PWD/$plugin, listen: 0, user: "$(id -u)", settings: { name: you } }
YAML
  "$prefix/sbin/forklift" check server.yaml
done
