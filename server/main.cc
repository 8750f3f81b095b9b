// `forklift`: from the arguments to a command. The only place where master and worker meet.

#include <Poco/Exception.h>
#include <Poco/Util/Option.h>
#include <Poco/Util/OptionProcessor.h>
#include <Poco/Util/OptionSet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <forklift/plugin.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/quote.h"
#include "base/signals.h"
#include "config/reader.h"
#include "master/master.h"
#include "worker/worker.h"

namespace {

using namespace forklift;

// Exit statuses of the commands.
enum Status { kOk = 0, kCouldNotStart = 1, kUsage = 2 };

constexpr std::string_view kUsageText =
    "usage: forklift serve FILE [--strict]\n"
    "\n"
    "  serve FILE   runs the apps that the YAML file FILE declares, in the foreground\n"
    "  --strict     any app that does not start is fatal\n"
    "  --version    prints the versions of the server and of its plugin API\n"
    "  --help       prints this\n"
    "\n"
    "signals: TERM, QUIT, INT stop, the second time at once; USR1 reopens the log file\n";

constexpr std::array<std::string_view, 8> kLaterCommands = {"check",  "reload", "restart", "stop",
                                                            "status", "call",   "inspect", "new"};

int usage_error(std::string_view reason) {
  fmt::print(stderr, "forklift: {}; try forklift --help\n", reason);
  return kUsage;
}

[[noreturn]] void become_worker(master::Birth birth) {
  worker::run({.app = birth.app,
               .identity = birth.identity,
               .generation = birth.generation,
               .runtime_dir = std::move(birth.runtime_dir),
               .descriptors = birth.descriptors,
               .master = birth.master,
               .channel = std::move(birth.channel),
               .page = std::move(birth.page),
               .standard_output = std::move(birth.standard_output),
               .standard_error = std::move(birth.standard_error),
               .image = std::move(birth.image)});
}

int serve(const std::string& file, master::Options options) {
  auto config = config::read_file(file);
  if (!config) {
    for (const auto& finding : config.error()) fmt::print(stderr, "{}\n", finding.to_string());
    return kUsage;
  }
  if (auto opened = log::open(config->log); !opened) {
    fmt::print(stderr, "forklift: {}\n", opened.error().message());
    return kCouldNotStart;
  }
  log::info("forklift {} starts as process {}", FORKLIFT_VERSION, ::getpid());
  auto master = master::Master::create(std::move(*config), options, become_worker);
  const Result<void> result = master ? (*master)->run() : Failure(master.error());
  if (!result) {
    log::error("could not start: {}", result.error().message());
    return kCouldNotStart;
  }
  log::info("stopped");
  return kOk;
}

// A descriptor that is opened while 0, 1 or 2 is missing would take its place, and get what others print there.
void fill_standard_descriptors() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd) ::abort();
  }
}

struct Arguments {
  std::vector<std::string> words;  // command and operands
  master::Options options;
  bool help = false;
  bool version = false;
};

Result<Arguments> parse(int argc, char** argv) {
  using Poco::Util::Option;
  Poco::Util::OptionSet known;
  known.addOption(Option("strict", "", "any app that does not start is fatal"));
  known.addOption(Option("help", "h", "prints the usage"));
  known.addOption(Option("version", "V", "prints the versions"));
  Poco::Util::OptionProcessor processor(known);
  processor.setUnixStyle(true);

  Arguments arguments;
  try {
    for (int i = 1; i < argc; ++i) {
      std::string name;
      std::string value;
      if (!processor.process(argv[i], name, value)) arguments.words.emplace_back(argv[i]);
      arguments.options.strict |= name == "strict";
      arguments.help |= name == "help";
      arguments.version |= name == "version";
    }
  } catch (const Poco::Exception& e) {
    return fail("{}", e.displayText());
  }
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  block_signals();
  fill_standard_descriptors();
  auto arguments = parse(argc, argv);
  if (!arguments) return usage_error(arguments.error().message());
  if (arguments->help) {
    fmt::print("{}", kUsageText);
    return kOk;
  }
  if (arguments->version) {
    fmt::print("forklift {} (plugin API {}.{})\n", FORKLIFT_VERSION, FORKLIFT_API_MAJOR, FORKLIFT_API_MINOR);
    return kOk;
  }
  const auto& words = arguments->words;
  if (words.empty()) return usage_error("no command");
  if (std::find(kLaterCommands.begin(), kLaterCommands.end(), words[0]) != kLaterCommands.end()) {
    return usage_error(fmt::format("the command \"{}\" is not supported yet", words[0]));
  }
  if (words[0] != "serve") return usage_error(fmt::format("unknown command {}", quote(words[0])));
  if (words.size() != 2) return usage_error("serve needs exactly one FILE");
  return serve(words[1], arguments->options);
}
