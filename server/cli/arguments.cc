#include "cli/arguments.h"

#include <Poco/Exception.h>
#include <Poco/Util/Option.h>
#include <Poco/Util/OptionProcessor.h>
#include <Poco/Util/OptionSet.h>

#include <fmt/format.h>

#include <algorithm>

#include "base/quote.h"

namespace forklift::cli {

namespace {

using Poco::Util::OptionSet;

// Poco is told of no letters: without_letter() has replaced them.
void add(OptionSet& set, const Option& option) {
  const std::string name(option.name);
  if (set.hasOption(name)) return;
  Poco::Util::Option known(name, "", std::string(option.meaning));
  if (!option.value.empty()) known.argument(std::string(option.value));
  known.repeatable(option.repeats);
  set.addOption(known);
}

OptionSet known_options() {
  OptionSet set;
  for (const Option& option : common_options()) add(set, option);
  for (const Command& command : all_commands()) {
    for (const Option& option : command.options) add(set, option);
  }
  return set;
}

using Options = std::vector<std::pair<std::string, std::string>>;

struct Split {
  std::vector<std::string> words;
  Options options;
};

// nullptr if no option has it.
const Option* find_letter(char letter) {
  const auto find_in = [&](std::span<const Option> options) -> const Option* {
    const auto found = std::ranges::find(options, letter, &Option::letter);
    return found == options.end() ? nullptr : &*found;
  };
  if (const Option* common = find_in(common_options())) return common;
  for (const Command& command : all_commands()) {
    if (const Option* option = find_in(command.options)) return option;
  }
  return nullptr;
}

// `-dDATA` and `-i` as `--data=DATA` and `--include`. Poco would take `-d ata=1` for `--data=1`, as it joins letter and
// value before it looks for the option's name.
std::string without_letter(const std::string& argument) {
  if (argument.size() < 2 || argument[0] != '-' || argument[1] == '-') return argument;
  const Option* option = find_letter(argument[1]);
  if (!option) return argument;
  const std::string name = fmt::format("--{}", option->name);
  return argument.size() == 2 ? name : fmt::format("{}={}", name, argument.substr(2));
}

// Takes the option out of `options`; false if it is not there.
bool take(Options& options, std::string_view name) {
  return std::erase_if(options, [&](const auto& option) { return option.first == name; }) > 0;
}

Result<Split> split(int argc, const char* const* argv) {
  const OptionSet known = known_options();
  Poco::Util::OptionProcessor processor(known);
  processor.setUnixStyle(true);
  Split result;
  bool is_open = false;      // the option before it waits for its value
  bool has_no_more = false;  // behind `--`
  for (int i = 1; i < argc; ++i) {
    try {
      const std::string argument = is_open || has_no_more ? argv[i] : without_letter(argv[i]);
      has_no_more = has_no_more || (!is_open && argument == "--");
      std::string name;
      std::string value;
      if (processor.process(argument, name, value)) {
        is_open = name.empty() && argument != "--";
        if (!name.empty()) result.options.emplace_back(name, value);
      } else {
        result.words.emplace_back(argv[i]);
      }
    } catch (const Poco::Exception& e) {
      return fail("{}: {}", quote(argv[i], 60), escape_controls(e.displayText(), 200));
    }
  }
  try {
    processor.checkRequired();  // a value that is still to come
  } catch (const Poco::Exception& e) {
    return fail("{}", escape_controls(e.displayText(), 200));
  }
  return result;
}

Result<void> check_options(const Arguments& arguments) {
  const auto& known = arguments.command->options;
  for (const auto& [name, value] : arguments.options) {
    if (std::ranges::find(known, name, &Option::name) == known.end()) {
      return fail("{} has no option --{}", arguments.command->name, name);
    }
  }
  for (const Option& option : known) {
    if (option.required && !arguments.has(option.name)) {
      return fail("{} needs --{} {}", arguments.command->name, option.name, option.value);
    }
  }
  return {};
}

}  // namespace

std::optional<std::string> Arguments::value(std::string_view option) const {
  const auto all = values(option);
  return all.empty() ? std::nullopt : std::optional(all.back());
}

std::vector<std::string> Arguments::values(std::string_view option) const {
  std::vector<std::string> all;
  for (const auto& [name, value] : options) {
    if (name == option) all.push_back(value);
  }
  return all;
}

Result<Arguments> parse(int argc, const char* const* argv) {
  auto given = split(argc, argv);
  if (!given) return Failure(given.error());
  auto& [words, options] = *given;

  Arguments arguments;
  arguments.help = take(options, "help");
  arguments.version = take(options, "version");
  if (!words.empty() && words[0] == "help") {
    arguments.help = true;
    words.erase(words.begin());
  }
  if (words.empty()) {
    if (!arguments.help && !arguments.version) return fail("no command");
    return arguments;
  }
  arguments.command = find_command(words[0]);
  if (!arguments.command) return fail("{}", explain_unknown_command(words[0]));
  arguments.options = std::move(options);
  if (arguments.help || arguments.version) return arguments;

  if (auto fits = check_options(arguments); !fits) return Failure(fits.error());
  if (words.size() == 1 && arguments.has(kControlName)) return arguments;
  const Command& command = *arguments.command;
  words.erase(words.begin());
  if (words.size() < command.operands_min || words.size() > command.operands_max) {
    return fail("{} needs {}{}", command.name, command.operands_max == 1 ? "exactly one " : "", command.operand);
  }
  arguments.operands = std::move(words);
  return arguments;
}

}  // namespace forklift::cli
