// The commands of `forklift` and their options: the one table from which arguments are read and help is printed, and
// with which the manual page is compared.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace forklift::cli {

// Exit statuses of all commands.
enum Status { kOk = 0, kCouldNotStart = 1, kFailed = 1, kUsage = 2 };

struct Option {
  std::string_view name;  // without dashes
  std::string_view meaning;
  std::string_view value = {};  // what it takes, `PATH`; empty: nothing
  bool required = false;
  char letter = 0;  // 'd': the option is `-d` as well; 0: it has no short form
  bool repeats = false;
  bool instead = false;  // of the one before it
};

// The option that stands for FILE, where a command has it.
inline constexpr std::string_view kControlName = "control";

struct Command {
  std::string_view name;
  std::string_view operand;  // `FILE`, `PLUGIN.so [METHOD] URI`; can be left out where --control is given; empty: none
  std::string_view summary;  // one line
  std::span<const Option> options;
  std::string_view details;  // lines for `forklift help NAME`, with a newline at the end of each
  std::size_t operands_min = 1;
  std::size_t operands_max = 1;
};

// Those that can be used today.
std::span<const Command> all_commands();

// nullptr if there is none.
const Command* find_command(std::string_view name);

// `--app NAME`, `-d, --data DATA`
std::string written(const Option& option);

// Known without a command.
std::span<const Option> common_options();

// Why `name` is no command: the one that was probably meant, or those that there are.
std::string explain_unknown_command(std::string_view name);

}  // namespace forklift::cli
