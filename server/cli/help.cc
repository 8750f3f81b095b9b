#include "cli/help.h"

#include <Poco/Environment.h>
#include <Poco/Version.h>
#include <fmt/format.h>
#include <forklift/plugin.h>
#include <gnu/libc-version.h>

#include <cstdint>
#include <vector>

namespace forklift::cli {

namespace {

// Of `text` and what is said about it, as two columns.
std::string row(std::string_view text, std::string_view meaning) {
  return fmt::format("  {:<21} {}\n", text, meaning);
}

std::string row(const Option& option) {
  return row(written(option), option.meaning);
}

// `FILE`, `(FILE | --control PATH)`, `--app NAME`, `[--json]`, `[--c | --c++ | --rust]`.
std::vector<std::string> parts_of(const Command& command) {
  std::vector<std::string> parts;
  if (!command.operand.empty()) parts.emplace_back(command.operand);
  for (const Option& option : command.options) {
    if (option.name == kControlName) {
      parts[0] = fmt::format("({} | {})", command.operand, written(option));
    } else if (option.instead) {
      parts.back().insert(parts.back().size() - 1, fmt::format(" | {}", written(option)));
    } else {
      parts.push_back(option.required ? written(option) : fmt::format("[{}]", written(option)));
    }
  }
  return parts;
}

// What follows `lead`, as long as it fits into a line of a terminal; the rest in further lines under its beginning.
std::string synopsis(const Command& command, std::string_view lead) {
  constexpr std::size_t kLineMax = 96;
  std::string text = fmt::format("{} forklift {}", lead, command.name);
  const std::size_t indent = text.size();
  std::size_t line = 0;  // where the last one begins
  for (const std::string& next : parts_of(command)) {
    if (text.size() - line + 1 + next.size() > kLineMax) {
      text += '\n';
      line = text.size();
      text.append(indent, ' ');
    }
    text += fmt::format(" {}", next);
  }
  return text;
}

std::string poco_version() {
  const std::uint32_t version = Poco::Environment::libraryVersion();
  return fmt::format("{}.{}.{}", version >> 24, version >> 16 & 0xff, version >> 8 & 0xff);
}

}  // namespace

std::string usage() {
  std::string text;
  for (const Command& command : all_commands()) {
    const std::string_view lead = text.empty() ? "usage:" : "      ";
    if (command.name != "help") text += synopsis(command, lead) + '\n';
  }
  text += "       forklift help [COMMAND]\n\n";
  for (const Command& command : all_commands()) text += row(command.name, command.summary);
  text += '\n';
  for (const Option& option : common_options()) text += row(option);
  text += "\nThe manual pages forklift(8) and forklift.yaml(5) say more.\n";
  return text;
}

std::string usage_of(const Command& command) {
  if (command.name == "help") return usage();
  std::string text = fmt::format("{}\n\n{} {}.\n", synopsis(command, "usage:"), command.name, command.summary);
  if (!command.options.empty()) text += '\n';
  for (const Option& option : command.options) text += row(option);
  return fmt::format("{}\n{}", text, command.details);
}

std::string versions(std::string_view server_version) {
  return fmt::format(
      "forklift {}\n"
      "plugin API: {}.{}\n"
      "build: {}, {} {}\n"
      "libraries: Poco {}, yaml-cpp {}, fmt {}.{}.{}, glibc {}\n",
      server_version, FORKLIFT_API_MAJOR, FORKLIFT_API_MINOR, FORKLIFT_BUILD_TYPE, FORKLIFT_COMPILER,
      FORKLIFT_COMPILER_VERSION, poco_version(), FORKLIFT_YAML_CPP_VERSION, FMT_VERSION / 10000,
      FMT_VERSION / 100 % 100, FMT_VERSION % 100, ::gnu_get_libc_version());
}

}  // namespace forklift::cli
