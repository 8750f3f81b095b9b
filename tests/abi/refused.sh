#!/bin/sh
# refused.sh DIRECTORY CC CXX
#
# What an author can get wrong with the headers does not compile, and the message says what is wrong.
set -eu
directory=$1 cc=$2 cxx=$3
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$directory"

# refuse EXPECTED COMPILER... <source
refuse() {
  expected=$1
  shift
  if "$@" -fsyntax-only -I "$root/plugin-api/include" - 2>"$directory/messages"; then
    echo "compiled, but should have been refused: $expected" >&2
    exit 1
  fi
  grep -q -e "$expected" "$directory/messages" || {
    echo "refused, but without the words \"$expected\":" >&2
    cat "$directory/messages" >&2
    exit 1
  }
}

refuse "at most 63 bytes" "$cc" -std=c11 -x c <<'SOURCE'
#include <forklift/plugin.h>
FORKLIFT_PLUGIN("a-name-of-64-bytes--------------------------------------------xx", "1.0", .produce = 0);
SOURCE

refuse "redefinition" "$cc" -std=c11 -x c <<'SOURCE'
#include <forklift/plugin.h>
FORKLIFT_PLUGIN("one", "1.0", .produce = 0);
FORKLIFT_PLUGIN("two", "1.0", .produce = 0);
SOURCE

refuse "derives publicly from forklift::Plugin" "$cxx" -std=c++17 -x c++ <<'SOURCE'
#include <forklift/plugin.hpp>
struct Stranger {};
FORKLIFT_PLUGIN_CLASS(Stranger, "stranger", "1.0");
SOURCE

refuse "derives publicly from forklift::Plugin" "$cxx" -std=c++17 -x c++ <<'SOURCE'
#include <forklift/plugin.hpp>
class Secret : forklift::Plugin {
  void produce(const forklift::Env&, forklift::Body&, forklift::Out&) override {}
};
FORKLIFT_PLUGIN_CLASS(Secret, "secret", "1.0");
SOURCE

refuse "defines void produce" "$cxx" -std=c++17 -x c++ <<'SOURCE'
#include <forklift/plugin.hpp>
struct Idle : forklift::Plugin {};
FORKLIFT_PLUGIN_CLASS(Idle, "idle", "1.0");
SOURCE

refuse "defines void handle_connection" "$cxx" -std=c++17 -x c++ <<'SOURCE'
#include <forklift/plugin.hpp>
struct Mute : forklift::ConnectionPlugin {};
FORKLIFT_PLUGIN_CLASS(Mute, "mute", "1.0");
SOURCE

refuse "public constructor that takes a const forklift::Host&, or nothing" "$cxx" -std=c++17 -x c++ <<'SOURCE'
#include <forklift/plugin.hpp>
struct Demanding : forklift::Plugin {
  explicit Demanding(int) {}
  void produce(const forklift::Env&, forklift::Body&, forklift::Out&) override {}
};
FORKLIFT_PLUGIN_CLASS(Demanding, "demanding", "1.0");
SOURCE

# A destructor that throws would be the one way for an exception to reach the host.
refuse "noexcept(false)\|exception specification" "$cxx" -std=c++17 -x c++ <<'SOURCE'
#include <forklift/plugin.hpp>
struct Explosive : forklift::Plugin {
  ~Explosive() noexcept(false) override {}
  void produce(const forklift::Env&, forklift::Body&, forklift::Out&) override {}
};
FORKLIFT_PLUGIN_CLASS(Explosive, "explosive", "1.0");
SOURCE
