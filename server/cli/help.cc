#include "cli/help.h"

#include <Poco/Environment.h>
#include <Poco/Version.h>
#include <fmt/format.h>
#include <forklift/plugin.h>
#include <gnu/libc-version.h>

#include <cstdint>

namespace forklift::cli {

namespace {

// Of `text` and what is said about it, as two columns.
std::string row(std::string_view text, std::string_view meaning) {
  return fmt::format("  {:<16} {}\n", text, meaning);
}

// `--app NAME`
std::string written(const Option& option) {
  return fmt::format("--{}{}{}", option.name, option.value.empty() ? "" : " ", option.value);
}

std::string row(const Option& option) {
  return row(written(option), option.meaning);
}

std::string synopsis(const Command& command) {
  std::string text(command.name);
  if (!command.operand.empty()) text += fmt::format(" {}", command.operand);
  for (const Option& option : command.options) {
    text += option.required ? fmt::format(" {}", written(option)) : fmt::format(" [{}]", written(option));
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
    if (command.name != "help") text += fmt::format("{} forklift {}\n", lead, synopsis(command));
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
  std::string text = fmt::format("usage: forklift {}\n\n{} {}.\n", synopsis(command), command.name, command.summary);
  if (!command.options.empty()) text += '\n';
  for (const Option& option : command.options) text += row(option);
  return fmt::format("{}\n{}", text, command.details);
}

std::string versions(std::string_view server_version) {
  return fmt::format(
      "forklift {}\n"
      "plugin API: {}.{}{}\n"
      "build: {}, {} {}\n"
      "libraries: Poco {}, yaml-cpp {}, fmt {}.{}.{}, glibc {}\n",
      server_version, FORKLIFT_API_MAJOR, FORKLIFT_API_MINOR, FORKLIFT_API_MAJOR == 0 ? " (draft)" : "",
      FORKLIFT_BUILD_TYPE, FORKLIFT_COMPILER, FORKLIFT_COMPILER_VERSION, poco_version(), FORKLIFT_YAML_CPP_VERSION,
      FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100, ::gnu_get_libc_version());
}

}  // namespace forklift::cli
