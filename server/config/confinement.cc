#include "config/confinement.h"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/quote.h"
#include "config/units.h"
#include "config/value.h"

namespace forklift::config {

namespace {

// (uid_t)-1 is no user: setresuid(2) takes it for "leave as it is".
constexpr std::uint64_t kAccountMax = std::numeric_limits<std::uint32_t>::max() - 1;

// 0, 1, 2, channel, image, the connection, and what opening the plugin takes.
constexpr std::uint64_t kFilesMin = 16;
// The most to which Linux lets anybody raise fs.nr_open, and so RLIMIT_NOFILE; it knows no unlimited one.
constexpr std::uint64_t kFilesMax = 2'147'483'584;

constexpr unsigned kUmaskMax = 0777;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

// What a shell can set and a program can be expected to look up: POSIX, 8.1.
bool is_environment_name(std::string_view name) {
  return !name.empty() && !is_digit(name.front()) && std::ranges::all_of(name, is_name_character);
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

void read_account(Value& value, std::string& out) {
  const auto written = value.text();
  if (!written) return;
  if (written->empty()) return value.refuse("is empty; write a name or a number");
  if (std::ranges::all_of(*written, is_digit)) {
    std::uint64_t number = 0;
    value.count(number, 0, kAccountMax);
  }
  out = *written;
}

void read_umask(Value& value) {
  const auto written = value.text();
  if (!written) return;
  unsigned umask = 0;
  const char* const end = written->data() + written->size();
  const auto [stop, error] = std::from_chars(written->data(), end, umask, 8);
  if (error != std::errc() || stop != end || umask > kUmaskMax) {
    return value.refuse(fmt::format("{} is not a umask; write octal digits, 000 to 777", quote(*written, 60)));
  }
  value.app().confinement.umask = umask;
}

void read_environment(Value& value) {
  if (value.node().kind != Node::Kind::kMap) return value.refuse("must be a map of names and values");
  for (const Node& variable : value.node().children) read_variable(value, variable);
}

void read_byte_limit(Value& value, int resource) {
  std::uint64_t& limit = add_limit(value, resource);
  if (!value.is("unlimited")) value.size(limit, 0, RLIM_INFINITY);
}

void read_count_limit(Value& value, int resource) {
  std::uint64_t& limit = add_limit(value, resource);
  if (!value.is("unlimited")) value.count(limit, 0, RLIM_INFINITY);
}

void read_file_limit(Value& value) {
  value.count(add_limit(value, RLIMIT_NOFILE), kFilesMin, kFilesMax);
}

void check_directory(Reading& reading, const Node& map) {
  if (reading.app->confinement.chroot.empty()) return;
  const auto directory = std::ranges::find(map.children, "directory", &Node::name);
  if (directory == map.children.end() || directory->kind != Node::Kind::kScalar) return;
  if (directory->text.empty() || directory->text.starts_with('/')) return;
  reading.complain(directory->mark,
                   fmt::format("directory: {} is relative, but stands for a folder inside the chroot; write a path "
                               "that starts with /",
                               quote(directory->text, 60)));
}

}  // namespace forklift::config
