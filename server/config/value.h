// One value of the configuration on its way from the tree into the structs.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/document.h"
#include "config/keys.h"
#include "config/reader.h"
#include "config/units.h"

namespace forklift::config {

// An entry of `listen` while its keys are read: `localhost` has two addresses, and each becomes a listener of its own.
struct ListenEntry {
  Listen common;  // all but the address
  std::vector<Address> addresses;
};

// A file that is read.
struct Source {
  std::string name;  // as positions have it
  std::string real;  // its real path
};

// What is shared while one configuration is read.
struct Reading {
  // The configuration's own file, and then those that it includes.
  std::vector<Source> sources;
  Config config;
  Findings findings;

  bool follow_includes = true;
  const Node* defaults = nullptr;  // the value of `defaults`, if it is a map
  std::size_t merged_nodes = 0;    // of `defaults`, in all apps
  std::size_t merged_bytes = 0;
  bool partial = false;  // `defaults` itself is read: what is missing may stand in the apps

  // Where the keys below `apps[]` and `apps[].listen[]` go: the entry that is being read, and only while it is.
  App* app = nullptr;
  ListenEntry* listen = nullptr;

  Position position(Mark mark) const { return {sources[mark.source].name, mark.line, mark.column}; }
  // Where relative paths start: the real folder of the file that they stand in.
  std::string folder(Mark mark) const { return std::filesystem::path(sources[mark.source].real).parent_path(); }
  void complain(Mark mark, std::string message) { findings.push_back({position(mark), std::move(message)}); }
};

// Reads all keys of `map`, which are those of `parent` in the table, and complains about unknown and missing ones.
void read_keys(Reading& reading, const Node& map, std::string_view parent);

// Anything, as a tree of strings.
Settings to_settings(const Node& node, const Reading& reading);

// A value and the row of the table that it was written for, which has its range and its words. The functions that fill
// a variable leave it as it is and add a finding with the value's place and the key's name where the value is not what
// it has to be.
class Value {
 public:
  Value(Reading& reading, const Key& key, const Node& node) : reading_(reading), key_(key), node_(node) {}

  Reading& reading() { return reading_; }
  const Node& node() const { return node_; }
  const Key& key() const { return key_; }
  Config& config() { return reading_.config; }
  App& app() { return *reading_.app; }
  ListenEntry& listen() { return *reading_.listen; }

  // The text of a scalar.
  std::optional<std::string_view> text();

  // Whether that text is `word`, and the key knows it; without a finding where it isn't.
  bool is(std::string_view word) const;

  // A map whose keys have rows of their own.
  void section();

  // A path, made absolute.
  void path(std::string& out);

  // A user or group: a name, or a number.
  void account(std::string& out);

  // Permissions: octal digits.
  void octal(unsigned& out);

  void duration(Duration& out);

  // Numbers within the key's range, which must fit into the variable: bytes with units, a mere count, or hundredths.
  template <std::integral Number>
  void size(Number& out) {
    if (const auto number = number_within(parse_size)) out = static_cast<Number>(*number);
  }
  template <std::integral Number>
  void count(Number& out) {
    if (const auto number = number_within(parse_count)) {
      out = static_cast<Number>(*number);
    }
  }
  template <std::integral Number>
  void percent(Number& out) {
    if (const auto number = number_within(parse_percent)) {
      out = static_cast<Number>(*number);
    }
  }

  // One of the key's words.
  template <typename Choice>
  void word(Choice& out) {
    if (const auto index = index_of_word()) out = static_cast<Choice>(*index);
  }

  // Anything, as a tree of strings. Nothing at all is an empty map.
  void tree(Settings& out);

  // Adds a finding at this value, at another one, or at the name of another one: `KEY: message`.
  void refuse(std::string_view message) { refuse_at(node_, message); }
  void refuse_at(const Node& node, std::string_view message);
  void refuse_name(const Node& node, std::string_view message);

 private:
  using Parse = Result<std::uint64_t>(std::string_view text);

  std::optional<std::uint64_t> number_within(Parse* parse);
  std::optional<std::size_t> index_of_word();

  Reading& reading_;
  const Key& key_;
  const Node& node_;
};

}  // namespace forklift::config
