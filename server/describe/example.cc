#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "describe/describe.h"
#include "describe/form.h"

namespace forklift::describe {

namespace {

using config::Key;
using Kind = config::Type::Kind;

constexpr std::size_t kColumnsMax = 110;

std::string blanks(std::size_t columns) {
  return std::string(columns, ' ');
}

class Example {
 public:
  // The keys of `parent`, from `column` on; in a list, the first one gets the dash in front.
  void add_keys(std::string_view parent, std::size_t column, bool commented, bool in_list = false) {
    bool first = in_list;
    bool behind_section = false;
    for (const Key& key : config::all_keys()) {
      if (!stands_in(key, parent, false)) continue;
      // Keys stand close together, sections apart.
      if (!first && (has_keys(key) || behind_section)) text_ += '\n';
      add_key(key, column, commented, first);
      first = false;
      behind_section = has_keys(key);
    }
  }

  std::string take() { return std::move(text_); }

 private:
  // Whether nothing of it can be there by default: it has no key with a default, or one that has to be chosen.
  static bool is_absent(const Key& section) {
    bool written = false;
    for (const Key& key : config::all_keys()) {
      if (!stands_in(key, section.path, false)) continue;
      if (key.absent.required) return true;
      written |= !key.absent.value.empty();
    }
    return !written;
  }

  void add_key(const Key& key, std::size_t column, bool commented, bool first) {
    const std::size_t dash = first ? 2 : 0;
    add_comment(explain(key, DefaultValue::kShownElsewhere), column - dash);
    const bool absent = key.type.kind == Kind::kSection
                            ? is_absent(key)
                            : !has_keys(key) && !key.absent.required && key.absent.value.empty();
    const bool off = commented || absent;
    text_ += fmt::format("{}{}{}{}:", blanks(column - dash), off ? "#" : "", first ? "- " : "", key.name());
    if (!has_keys(key)) {
      text_ += fmt::format(" {}\n", key.absent.example.empty() ? key.absent.value : key.absent.example);
      return;
    }
    text_ += '\n';
    const bool list = key.type.kind != Kind::kSection;
    add_keys(list ? std::string(key.path) + "[]" : std::string(key.path), column + (list ? 4 : 2), off, list);
  }

  void add_comment(std::string_view words, std::size_t column) {
    while (!words.empty()) {
      const std::size_t room = kColumnsMax - column - 2;
      std::size_t end = words.size() <= room ? words.size() : words.rfind(' ', room);
      text_ += fmt::format("{}# {}\n", blanks(column), words.substr(0, end));
      words.remove_prefix(std::min(end + 1, words.size()));
    }
  }

  std::string text_;
};

}  // namespace

std::string example(std::string_view form) {
  Example example;
  example.add_keys("", 0, false);
  return fill_in(form, example.take());
}

}  // namespace forklift::describe
