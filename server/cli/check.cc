#include "cli/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "base/counted.h"
#include "base/log.h"
#include "base/quote.h"
#include "base/signals.h"
#include "cli/command.h"
#include "cli/head_room.h"
#include "cli/terminal.h"
#include "cli/trial.h"
#include "config/print.h"
#include "config/reader.h"
#include "ipc/channel.h"
#include "machine/checks.h"
#include "machine/identity.h"
#include "machine/surroundings.h"

namespace forklift::cli {

namespace {

using ipc::Step;

void say(std::string_view line) {
  // Whatever it names: a file's or a folder's name may hold what drives a terminal.
  complain(escape_controls(line) + "\n");
}

// What a plugin's code does in this step.
std::string_view code_of(Step step) {
  switch (step) {
    case Step::kLoaded: return "its static constructors and those of its libraries";
    case Step::kChecked: return "its entry function";
    default: return "its create()";
  }
}

// What to do about a start that has failed; empty where the reason says it.
std::string advice(const Trial& trial, const config::App& app) {
  switch (trial.end) {
    case Trial::End::kTimeout:
      return fmt::format("look for what {} may be waiting for, or raise timeouts.start", code_of(trial.step));
    case Trial::End::kDied:
      return fmt::format(
          "look into {}{}", code_of(trial.step),
          trial.step == Step::kCreated ? ", which gives its reason to host->refuse() if it cannot go on" : "");
    default: break;
  }
  switch (trial.step) {
    case Step::kImaged: return "write the path of a finished plugin that this user may read";
    case Step::kConfined: return "mend what this key names, or remove it";
    case Step::kLoaded:
      if (trial.reason.find("failed to map") != std::string::npos) return "raise rlimits.as, which is too small for it";
      return fmt::format("ldd -r {} shows all that it misses", app.plugin);
    case Step::kCreated: return "this is the plugin's own reason: mend its settings, or what it needs";
    default: return "";
  }
}

class Check {
 public:
  explicit Check(const std::string& file) : file_(file) {}

  int run(bool print) {
    auto config = config::read_file(file_);
    if (!config) {
      for (const config::Finding& finding : config.error()) tell(finding);
      return conclude("; users, folders and plugins are looked at once there are none");
    }
    for (const config::Finding& finding : machine::check_surroundings(*config)) tell(finding);
    auto signals = SignalEvents::create();
    if (!signals) {
      say(fmt::format("forklift: {}", signals.error().message()));
      return kUsage;
    }
    for (std::size_t i = 0; i < config->apps.size(); ++i) {
      if (const int signal = check_app(*config, i, *signals); signal != 0) {
        say(fmt::format("{}: ended by signal {} ({}); {} of {} not checked", file_, signal, sigabbrev_np(signal),
                        config->apps.size() - i, counted(config->apps.size(), "app")));
        return kUsage;
      }
    }
    // Only now: no plugin is to find in its memory what was printed of another app.
    if (print && cli::tell(config::print(*config)) != kOk) return kFailed;
    if (findings_ > 0) return conclude();
    say(fmt::format("{}: fine: {}", file_, counted(config->apps.size(), "app")));
    return kOk;
  }

 private:
  void tell(const config::Finding& finding) {
    ++findings_;
    say(finding.to_string());
  }
  void tell(const config::App& app, std::string_view key, std::string_view message) {
    tell({app.place(key), std::string(message)});
  }
  static void note(const config::App& app, std::string_view key, std::string_view message) {
    say(fmt::format("{}: note: app \"{}\": {}", app.place(key).to_string(), app.name, message));
  }
  // Root, from a shell, gets room for any heads, and root as a service may not.
  static void note_heads(const config::App& app) {
    const auto wmem_max = ipc::Channel::wmem_max();
    const std::string text = wmem_max ? note_of_heads(app.limits.head, *wmem_max) : "";
    if (!text.empty()) note(app, "limits.head", "limits.head: " + text);
  }

  // Returns the signal that has ended it, or 0.
  int check_app(config::Config& config, std::size_t index, SignalEvents& signals) {
    const config::App& app = config.apps[index];
    config::Findings findings = machine::check(app);
    const auto identity = machine::look_up(app);
    if (!identity) findings.push_back({app.place("user"), identity.error().message()});
    std::ranges::stable_sort(findings, {}, [](const auto& finding) { return finding.position.line; });
    for (const config::Finding& finding : findings) tell(finding);
    // What `serve` would not load is not loaded here.
    if (!findings.empty()) return 0;

    const auto trial = try_start(config, index, *identity, signals, say);
    if (!trial) {
      tell(app, "plugin", fmt::format("app \"{}\": could not be tried: {}", app.name, trial.error().message()));
      return 0;
    }
    note_heads(app);
    tell_trial(app, *trial);
    return trial->signal;
  }

  void tell_trial(const config::App& app, const Trial& trial) {
    if (trial.end == Trial::End::kInterrupt) return;
    if (trial.end != Trial::End::kFine) {
      const std::string what = advice(trial, app);
      tell(app, "plugin",
           fmt::format("app \"{}\": failed at {}: {}{}{}", app.name, ipc::to_string(trial.step), trial.reason,
                       what.empty() ? "" : "; ", what));
    }
    if (!trial.warning.empty()) note(app, "plugin", trial.warning);
    for (const std::string& library : trial.libraries) {
      note(app, "plugin",
           fmt::format("it has loaded {}, which is none of the system's: replace it by rename (mv, install), as workers "
                       "run it from where it is",
                       library));
    }
  }

  int conclude(std::string_view what_follows = {}) const {
    say(fmt::format("{}: {}{}", file_, counted(findings_, "finding"), what_follows));
    return kUsage;
  }

  const std::string& file_;
  std::size_t findings_ = 0;
};

}  // namespace

int check(const std::string& file, bool print) {
  log::redirect(
      [](log::Level level, std::string_view line) { say(fmt::format("{}: {}", log::to_string(level), line)); });
  return Check(file).run(print);
}

}  // namespace forklift::cli
