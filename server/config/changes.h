// What a reload changes: which listeners stay, come and go, and which apps have to change together.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/config.h"

namespace forklift::config {

// A listener that is there, with the app that it belongs to.
struct Held {
  const Listen* listen = nullptr;
  std::string app;
};

// An entry of `listen` in the new configuration.
struct Wanted {
  std::size_t app = 0;     // index in Config::apps
  std::size_t listen = 0;  // index in its `listen`

  bool operator==(const Wanted&) const = default;
};

struct Kept {
  std::size_t held = 0;  // index in what there is
  Wanted wanted;

  bool operator==(const Kept&) const = default;
};

// Apps that change together, because a listener goes from one of them to another. All others change alone.
struct Unit {
  std::vector<std::size_t> apps;     // index in Config::apps: those that come or stay
  std::vector<std::string> removed;  // names of those that go

  bool operator==(const Unit&) const = default;
};

struct Changes {
  std::vector<Kept> kept;           // listeners that stay, whoever they belong to
  std::vector<Wanted> added;        // to be bound
  std::vector<std::size_t> closed;  // index in what there is
  std::vector<Unit> units;          // in the order of the new configuration, then those that only remove
};

// `apps` are the names of those that there are. A listener stays if its address is written as before; with port 0,
// which is another one for each entry, only within its app. Sockets of the service manager stay by their name.
Changes changes_of(const std::vector<std::string>& apps, const std::vector<Held>& held, const Config& to);

}  // namespace forklift::config
