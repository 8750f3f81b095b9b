// Every key of the configuration, in one table. A key is added, or one that is not supported yet is switched on, by its
// row there and nothing else: the row makes it known, names it in messages and says where its value goes.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace forklift::config {

class Value;

struct Key {
  enum class Presence { kOptional, kRequired };

  // From the root, with `[]` for an item of a list: `apps[].workers.min`.
  std::string_view path;

  // Reads the value into the configuration, or adds a finding; never called for an empty value unless `may_be_empty`.
  // nullptr: the key belongs to the design, but is not supported yet.
  void (*read)(Value& value) = nullptr;

  Presence presence = Presence::kOptional;
  bool may_be_empty = false;

  std::string_view parent() const;  // `apps[].workers`; empty at the root
  std::string_view name() const;    // `min`
  // As it is shown to people, who know which app they are in: `workers.min`.
  std::string shown() const;
};

std::span<const Key> all_keys();

// nullptr if there is none. `name` comes from the file and may hold anything, dots too.
const Key* find_key(std::string_view parent, std::string_view name);

// What to say about a name that is not a key of `parent`: where it belongs, which key was probably meant, or what there
// is.
std::string explain_unknown(std::string_view parent, std::string_view name);

}  // namespace forklift::config
