// Every key of the configuration, in one table (key_table.cc). A row is all that there is to say about a key: what its
// value may be, where it goes, what it is without one, and what it means. What is told to people about keys is made of
// the rows: messages, conf/full.yaml, the schema for editors, the manual page and `check --print`. So a key is added,
// or one that is not supported yet is switched on, by its row there (and the field in config.h, whose default the row
// repeats; a test holds the two together).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace forklift::config {

class Value;
struct Key;
struct Node;
struct Subject;

// What a value may be, and the way between its text and its field.
struct Type {
  enum class Kind {
    kSection,   // a map, whose keys have rows of their own
    kDefaults,  // a map with keys of `apps[]`
    kApps,      // a list of maps, whose keys have rows of their own below `[]`
    kListen,    // an address, such a map, or a list of both
    kPatterns,  // a list of paths, with `*` and `?` in the last part
    kTree,      // anything
    kMap,       // names and values
    kName,      // of an app; `min` to `max` characters
    kPath,
    kAddress,
    kAccount,   // the name or the number of a user or group
    kOctal,     // permissions, `min` to `max`
    kFormat,    // of an access log
    kRequest,   // a method and a URI
    kWord,      // one of `words`
    kCount,     // a number, `min` to `max`
    kSize,      // bytes, `min` to `max`
    kPercent,   // `min` to `max`
    kDuration,  // `min` 0: it may be 0; 1: it must be more
  };

  // `max` where there is no bound.
  static constexpr std::uint64_t kUnbounded = UINT64_MAX;

  Kind kind = Kind::kSection;
  std::uint64_t min = 0;
  std::uint64_t max = kUnbounded;
  // kWord: in the order of the enumeration. Else: what may stand in the place of a value, such as `unlimited`.
  std::array<std::string_view, 4> words = {};
  std::array<std::string_view, 2> later = {};  // words of the design that are not supported yet

  // Reads the value into its field, or adds a finding; never called for an empty value, unless `may_be_empty`.
  // nullptr: the key belongs to the design, but is not supported yet.
  void (*read)(Value& value) = nullptr;
  bool may_be_empty = false;

  // The field as it is written in YAML; kNull where nothing has to be. nullptr: the value has become part of others.
  Node (*show)(const Subject& subject, const Key& key) = nullptr;

  // Without the empty ones.
  std::span<const std::string_view> known_words() const;
  // `1M to 64G`: `min` to `max` as they are written. Empty without a bound.
  std::string range() const;
};

// What a key is where it is not there. Sections have none of their own.
struct Default {
  bool required = false;            // it has to be there
  std::string_view value = {};      // as YAML; empty where it can't be written
  std::string_view otherwise = {};  // then: what it is, in words
  std::string_view example = {};    // a value for documents, as YAML
};

struct Key {
  // From the root, with `[]` for an item of a list: `apps[].workers.min`.
  std::string_view path;
  Type type = {};
  Default absent = {};
  std::string_view meaning = {};  // for people, as half a sentence

  bool supported() const { return type.read != nullptr; }

  std::string_view parent() const;  // `apps[].workers`; empty at the root
  std::string_view name() const;    // `min`
  // As it is shown to people, who know which app they are in: `workers.min`.
  std::string shown() const;
};

// In the order of the documents: a section stands in front of its keys.
std::span<const Key> all_keys();

// nullptr if there is none. `name` comes from the file and may hold anything, dots too.
const Key* find_key(std::string_view parent, std::string_view name);

// What to say about a name that is not a key of `parent`: where it belongs, which key was probably meant, or what there
// is.
std::string explain_unknown(std::string_view parent, std::string_view name);

}  // namespace forklift::config
