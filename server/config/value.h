// One value of the configuration on its way from the tree into the structs.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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

// What is shared while one file is read.
struct Reading {
  std::string file;    // as positions name it
  std::string folder;  // absolute and real: relative paths start here
  Config config;
  Findings findings;

  // Where the keys below `apps[]` and `apps[].listen[]` go: the entry that is being read, and only while it is.
  App* app = nullptr;
  ListenEntry* listen = nullptr;

  Position position(Mark mark) const { return {file, mark.line, mark.column}; }
  void complain(Mark mark, std::string message) { findings.push_back({position(mark), std::move(message)}); }
};

// Reads all keys of `map`, which are those of `parent` in the table, and complains about unknown and missing ones.
void read_keys(Reading& reading, const Node& map, std::string_view parent);

enum class Zero { kMeansOff, kRefused };

// A value and the row of the table that it was written for. The functions that fill a variable leave it as it is and
// add a finding with the value's place and the key's name where the value is not what it has to be.
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

  // Whether that text is `word`, without a finding where it isn't.
  bool is(std::string_view word) const { return node_.kind == Node::Kind::kScalar && node_.text == word; }

  // A map whose keys have rows of their own.
  void section();

  // A path, made absolute.
  void path(std::string& out);

  void duration(Duration& out, Zero zero);

  // Numbers between `min` and `max`, which must fit into the variable: bytes with units, a mere count, or hundredths.
  template <std::integral Number>
  void size(Number& out, std::uint64_t min, std::uint64_t max) {
    if (const auto number = number_between(parse_size, format_size, min, max)) out = static_cast<Number>(*number);
  }
  template <std::integral Number>
  void count(Number& out, std::uint64_t min, std::uint64_t max) {
    const auto format = [](std::uint64_t number) { return fmt::format("{}", number); };
    if (const auto number = number_between(parse_count, format, min, max)) out = static_cast<Number>(*number);
  }
  template <std::integral Number>
  void percent(Number& out, std::uint64_t min, std::uint64_t max) {
    const auto format = [](std::uint64_t number) { return fmt::format("{}%", number); };
    if (const auto number = number_between(parse_percent, format, min, max)) out = static_cast<Number>(*number);
  }

  // One of `words`. Those in `later` belong to the design, but are not supported yet.
  template <typename Choice>
  void word(Choice& out, std::initializer_list<std::pair<std::string_view, Choice>> words,
            std::initializer_list<std::string_view> later = {}) {
    const auto written = text();
    if (!written) return;
    std::vector<std::string_view> known;
    for (const auto& [word, choice] : words) {
      if (*written == word) {
        out = choice;
        return;
      }
      known.push_back(word);
    }
    refuse_word(*written, known, later);
  }

  // Anything, as a tree of strings. Nothing at all is an empty map.
  void tree(Settings& out);

  // Adds a finding at this value, at another one, or at the name of another one: `KEY: message`.
  void refuse(std::string_view message) { refuse_at(node_, message); }
  void refuse_at(const Node& node, std::string_view message);
  void refuse_name(const Node& node, std::string_view message);

 private:
  using Parse = Result<std::uint64_t>(std::string_view text);
  using Format = std::string(std::uint64_t number);

  std::optional<std::uint64_t> number_between(Parse* parse, Format* format, std::uint64_t min, std::uint64_t max);
  void refuse_word(std::string_view written, const std::vector<std::string_view>& known,
                   std::initializer_list<std::string_view> later);

  Reading& reading_;
  const Key& key_;
  const Node& node_;
};

}  // namespace forklift::config
