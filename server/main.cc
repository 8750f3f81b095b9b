// `forklift`: from the arguments to a command. The only place where master and worker meet.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/log.h"
#include "base/quote.h"
#include "base/signals.h"
#include "cli/arguments.h"
#include "cli/call.h"
#include "cli/check.h"
#include "cli/help.h"
#include "cli/inspect.h"
#include "cli/new_project.h"
#include "cli/remote.h"
#include "cli/terminal.h"
#include "config/reader.h"
#include "machine/checks.h"
#include "master/master.h"
#include "worker/worker.h"

namespace {

using namespace forklift;

[[noreturn]] void become_worker(master::Birth birth) {
  worker::run({.app = birth.app,
               .identity = birth.identity,
               .generation = birth.generation,
               .lend_bytes = birth.lend_bytes,
               .runtime_dir = std::move(birth.runtime_dir),
               .descriptors = birth.descriptors,
               .master = birth.master,
               .channel = std::move(birth.channel),
               .page = std::move(birth.page),
               .standard_output = std::move(birth.standard_output),
               .standard_error = std::move(birth.standard_error),
               .image = std::move(birth.image)});
}

int refuse(const config::Findings& findings) {
  for (const auto& finding : findings) cli::complain(finding.to_string() + "\n");
  return cli::kUsage;
}

int serve(const std::string& file, master::Options options) {
  auto config = config::read_file(file);
  if (!config) return refuse(config.error());
  if (const auto findings = machine::check(*config); !findings.empty()) return refuse(findings);
  if (auto opened = log::open(config->log); !opened) {
    cli::complain(fmt::format("forklift: {}\n", opened.error().message()));
    return cli::kCouldNotStart;
  }
  // Whoever starts it by hand looks here, wherever the log is.
  const bool log_is_elsewhere = config->log.file != "-";
  log::info("forklift {} starts as process {} from {}; its control socket is {}", FORKLIFT_VERSION, ::getpid(),
            escape(config->file), escape(config->control));
  auto master = master::Master::create(std::move(*config), options, become_worker);
  const Result<void> result = master ? (*master)->run() : Failure(master.error());
  if (!result) {
    log::error("could not start: {}", result.error().message());
    if (log_is_elsewhere) cli::complain(fmt::format("forklift: could not start: {}\n", result.error().message()));
    return cli::kCouldNotStart;
  }
  log::info("stopped");
  return cli::kOk;
}

// A descriptor that is opened while 0, 1 or 2 is missing would take its place, and get what others print there.
void fill_standard_descriptors() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd) ::abort();
  }
}

}  // namespace

int main(int argc, char** argv) {
  block_signals();
  fill_standard_descriptors();
  const auto arguments = cli::parse(argc, argv);
  if (!arguments) {
    cli::complain(fmt::format("forklift: {}; try forklift --help\n", arguments.error().message()));
    return cli::kUsage;
  }
  if (arguments->version) return cli::tell(cli::versions(FORKLIFT_VERSION));
  if (arguments->help) return cli::tell(arguments->command ? cli::usage_of(*arguments->command) : cli::usage());
  if (arguments->command->name == "check") return cli::check(arguments->operand(), arguments->has("print"));
  // These wait for nobody, and end as everybody expects.
  if (arguments->command->name == "inspect" || arguments->command->name == "new") restore_signals();
  if (arguments->command->name == "inspect") return cli::inspect(arguments->operand(), arguments->has("json"));
  if (arguments->command->name == "new") return cli::new_project(*arguments);
  if (arguments->command->name == "call") cli::call(*arguments);
  if (arguments->command->name != "serve") return cli::remote(*arguments);
  return serve(arguments->operand(), {.strict = arguments->has("strict"), .version = FORKLIFT_VERSION});
}
