// From the command line to a command.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/command.h"

namespace forklift::cli {

struct Arguments {
  // nullptr: none was named, and `help` or `version` is set.
  const Command* command = nullptr;
  // As many as the command takes, unless help was asked for or --control stands for it.
  std::vector<std::string> operands;
  // Of the command, without dashes, with their values, in the order in which they were given.
  std::vector<std::pair<std::string, std::string>> options;
  bool help = false;
  bool version = false;

  // The first operand; empty where there is none.
  std::string operand() const { return operands.empty() ? "" : operands.front(); }

  bool has(std::string_view option) const { return value(option).has_value(); }
  // The last one counts.
  std::optional<std::string> value(std::string_view option) const;
  // Of an option that can be repeated, all of them.
  std::vector<std::string> values(std::string_view option) const;
};

// Options may stand before and behind operands, and be shortened as long as one alone fits. `help COMMAND` is
// `COMMAND --help`. The error says what is wrong, and where there is something near, what was probably meant.
Result<Arguments> parse(int argc, const char* const* argv);

}  // namespace forklift::cli
