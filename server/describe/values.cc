#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "config/access_format.h"
#include "config/defaults.h"
#include "config/yaml_writer.h"
#include "describe/describe.h"

namespace forklift::describe {

namespace {

using config::Type;
using Kind = Type::Kind;

std::string with_range(std::string_view what, const Type& type) {
  const std::string range = type.range();
  return range.empty() ? std::string(what) : fmt::format("{}, {}", what, range);
}

std::string access_fields() {
  std::vector<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(config::AccessField::kWaitSeconds); ++i) {
    names.push_back(config::to_string(static_cast<config::AccessField>(i)));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

// As they have to be written.
std::string words_of(const Type& type) {
  std::vector<std::string> words;
  for (const std::string_view word : type.known_words()) words.push_back(config::write_scalar(word));
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string kind_of(const Type& type) {
  switch (type.kind) {
    case Kind::kSection:
    case Kind::kApps:
    case Kind::kListen: break;
    case Kind::kDefaults: return "a map of keys";
    case Kind::kPatterns: return "a list of paths";
    case Kind::kTree: return "any value, list or map";
    case Kind::kMap: return "a map of names and values";
    case Kind::kName: return fmt::format("{} characters: a-z, 0-9, _ and -", type.range());
    case Kind::kPath: return "a path";
    case Kind::kAddress: return "an address";
    case Kind::kAccount: return "a name or a number";
    case Kind::kOctal: return with_range("octal digits", type);
    case Kind::kFormat: return fmt::format("a text with fields such as $status or ${{status}}: {}", access_fields());
    case Kind::kRequest: return "GET or HEAD and a path";
    case Kind::kWord: return words_of(type);
    case Kind::kCount: return with_range("a number", type);
    case Kind::kSize: return with_range("a size", type);
    case Kind::kPercent: return with_range("a percentage", type);
    case Kind::kDuration: return type.min > 0 ? "a duration, more than 0" : "a duration; 0: off";
  }
  return "";
}

std::string what_it_may_be(const Type& type) {
  const auto words = type.known_words();
  if (type.kind == Kind::kWord || words.empty()) return kind_of(type);
  return fmt::format("{}, or {}", words_of(type), kind_of(type));
}

}  // namespace

bool has_keys(const config::Key& key) {
  return key.type.kind == Kind::kSection || key.type.kind == Kind::kApps || key.type.kind == Kind::kListen;
}

std::string explain(const config::Key& key, DefaultValue value) {
  std::vector<std::string> details;
  if (!has_keys(key)) details.push_back(what_it_may_be(key.type));
  if (key.absent.required) details.emplace_back("required");
  if (!key.absent.otherwise.empty()) details.push_back(fmt::format("default: {}", key.absent.otherwise));
  if (!key.absent.value.empty() && value == DefaultValue::kNamed) {
    details.push_back(fmt::format("default: {}", key.absent.value));
  }
  if (details.empty()) return std::string(key.meaning);
  return fmt::format("{} ({})", key.meaning, fmt::join(details, "; "));
}

bool stands_in(const config::Key& key, std::string_view parent, bool as_defaults) {
  if (!key.supported() || key.parent() != parent) return false;
  return !as_defaults || parent != "apps[]" || config::may_be_default(key.name());
}

}  // namespace forklift::describe
