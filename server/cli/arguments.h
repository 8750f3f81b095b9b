// From the command line to a command.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/command.h"

namespace forklift::cli {

struct Arguments {
  // nullptr: none was named, and `help` or `version` is set.
  const Command* command = nullptr;
  std::string operand;  // where the command takes one and no help was asked for; empty if --control stands for it
  std::map<std::string, std::string, std::less<>> options;  // of the command, without dashes, with their values
  bool help = false;
  bool version = false;

  bool has(std::string_view option) const { return options.contains(option); }
  std::optional<std::string> value(std::string_view option) const {
    const auto found = options.find(option);
    return found == options.end() ? std::nullopt : std::optional(found->second);
  }
};

// Options may stand before and behind operands, and be shortened as long as one alone fits. `help COMMAND` is
// `COMMAND --help`. The error says what is wrong, and where there is something near, what was probably meant.
Result<Arguments> parse(int argc, const char* const* argv);

}  // namespace forklift::cli
