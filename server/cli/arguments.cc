#include "cli/arguments.h"

#include <Poco/Exception.h>
#include <Poco/Util/Option.h>
#include <Poco/Util/OptionProcessor.h>
#include <Poco/Util/OptionSet.h>

#include <algorithm>
#include <vector>

#include "base/quote.h"

namespace forklift::cli {

namespace {

using Poco::Util::OptionSet;

void add(OptionSet& set, const Option& option, const std::string& letter = "") {
  const std::string name(option.name);
  if (set.hasOption(name)) return;
  Poco::Util::Option known(name, letter, std::string(option.meaning));
  if (!option.value.empty()) known.argument(std::string(option.value));
  set.addOption(known);
}

OptionSet known_options() {
  OptionSet set;
  for (const Option& option : common_options()) add(set, option, option.name == "help" ? "h" : "V");
  for (const Command& command : all_commands()) {
    for (const Option& option : command.options) add(set, option);
  }
  return set;
}

struct Split {
  std::vector<std::string> words;
  std::map<std::string, std::string, std::less<>> options;
};

Result<Split> split(int argc, const char* const* argv) {
  const OptionSet known = known_options();
  Poco::Util::OptionProcessor processor(known);
  processor.setUnixStyle(true);
  Split result;
  for (int i = 1; i < argc; ++i) {
    try {
      std::string name;
      std::string value;
      if (processor.process(argv[i], name, value)) {
        if (!name.empty()) result.options.insert_or_assign(name, value);  // `--` has none
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

Result<Arguments> parse(int argc, const char* const* argv) {
  auto given = split(argc, argv);
  if (!given) return Failure(given.error());
  auto& [words, options] = *given;

  Arguments arguments;
  arguments.help = options.erase("help") > 0;
  arguments.version = options.erase("version") > 0;
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
  if (words.size() == 1 && arguments.has("control")) return arguments;
  if (words.size() != 2) return fail("{} needs exactly one {}", words[0], arguments.command->operand);
  arguments.operand = words[1];
  return arguments;
}

}  // namespace forklift::cli
