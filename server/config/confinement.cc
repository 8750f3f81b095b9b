#include "config/confinement.h"

#include <sys/resource.h>

#include <algorithm>

#include "base/quote.h"
#include "config/show.h"
#include "config/units.h"
#include "config/value.h"

namespace forklift::config {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_variable_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

// What a shell can set and a program can be expected to look up: POSIX, 8.1.
bool is_environment_name(std::string_view name) {
  return !name.empty() && !is_digit(name.front()) && std::ranges::all_of(name, is_variable_name_character);
}

void read_variable(Value& value, const Node& variable) {
  if (!is_environment_name(variable.name)) {
    return value.refuse_name(
        variable,
        fmt::format("{} is not a name of a variable; it is made of A-Z, a-z, 0-9 and _, and starts with no digit",
                    quote(variable.name, 60)));
  }
  if (variable.kind == Node::Kind::kNull) {
    return value.refuse_name(variable, fmt::format("{} has no value; write \"\" for an empty one", variable.name));
  }
  if (variable.kind != Node::Kind::kScalar) {
    return value.refuse_at(variable, fmt::format("{} must be a single value", variable.name));
  }
  value.app().confinement.environment.emplace_back(variable.name, variable.text);
}

// The limit of the value's key, still to be filled.
std::uint64_t& add_limit(Value& value, int resource) {
  auto& limits = value.app().confinement.rlimits;
  limits.push_back({resource, std::string(value.key().name()), RLIM_INFINITY});
  return limits.back().value;
}

}  // namespace

void read_environment(Value& value) {
  if (value.node().kind != Node::Kind::kMap) return value.refuse("must be a map of names and values");
  for (const Node& variable : value.node().children) read_variable(value, variable);
}

Node show_environment(const Subject& subject, const Key&) {
  Node map;
  map.kind = Node::Kind::kMap;
  for (const auto& [name, value] : subject.app->confinement.environment) {
    map.children.push_back(scalar(value));
    map.children.back().name = name;
  }
  return map;
}

void read_byte_limit(Value& value, int resource) {
  std::uint64_t& limit = add_limit(value, resource);
  if (!value.is("unlimited")) value.size(limit);
}

void read_count_limit(Value& value, int resource) {
  std::uint64_t& limit = add_limit(value, resource);
  if (!value.is("unlimited")) value.count(limit);
}

Node show_limit(const Subject& subject, const Key& key, int resource) {
  const auto& limits = subject.app->confinement.rlimits;
  const auto limit = std::ranges::find(limits, resource, &Rlimit::resource);
  if (limit == limits.end()) return {};
  if (limit->value == RLIM_INFINITY) return scalar("unlimited");
  return scalar(key.type.kind == Type::Kind::kSize ? format_size(limit->value) : fmt::format("{}", limit->value));
}

void check_directory(Reading& reading, const Node& map) {
  if (reading.app->confinement.chroot.empty()) return;
  const Node* directory = find_child(map, "directory");
  if (!directory || directory->kind != Node::Kind::kScalar) return;
  if (directory->text.empty() || directory->text.starts_with('/')) return;
  reading.complain(directory->mark,
                   fmt::format("directory: {} is relative, but stands for a folder inside the chroot; write a path "
                               "that starts with /",
                               quote(directory->text, 60)));
}

}  // namespace forklift::config
