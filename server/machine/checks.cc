#include "machine/checks.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "base/code_path.h"
#include "config/units.h"

namespace forklift::machine {

namespace {

// What the master has open for each worker: the channel, and what comes from standard output and standard error.
constexpr std::uint64_t kFilesPerWorker = 3;
// And for itself: log, poller, signals, listeners, images, with room.
constexpr std::uint64_t kFilesOfItself = 32;

constexpr std::string_view kHowToRaise =
    "start the server as root or with a higher limit (ulimit -H, or Limit...= of its service)";

rlim_t hard_limit(int resource) {
  rlimit limit{};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  return limit.rlim_max;
}

// The most that root may give to RLIMIT_NOFILE; no bound where there is no /proc.
std::uint64_t most_files() {
  std::uint64_t most = RLIM_INFINITY;
  std::ifstream("/proc/sys/fs/nr_open") >> most;
  return most == 0 ? RLIM_INFINITY : most;
}

class AppChecks {
 public:
  explicit AppChecks(const config::App& app) : app_(app) {}

  config::Findings run() {
    if (is_root_) check_plugin();
    for (const config::Rlimit& limit : app_.confinement.rlimits) check_rlimit(limit);
    // The default is for machines of any size: a small one answers 503 where a large one would not.
    if (app_.limits.connections != config::Limits().connections) check_connections();
    return std::move(findings_);
  }

 private:
  void complain(const std::string& key, std::string_view message) {
    findings_.push_back({app_.place(key), fmt::format("app \"{}\": {}: {}", app_.name, key, message)});
  }

  void check_plugin() {
    if (auto safe = check_code_path(app_.plugin); !safe) complain("plugin", safe.error().message());
  }

  void check_rlimit(const config::Rlimit& limit) {
    const std::string key = "rlimits." + limit.name;
    if (!is_root_ && limit.value > hard_limit(limit.resource)) {
      return complain(key, fmt::format("{} is above the server's own hard limit, {}; write at most that, or {}",
                                       config::format_limit(limit.value), hard_limit(limit.resource), kHowToRaise));
    }
    if (is_root_ && limit.resource == RLIMIT_NOFILE && limit.value > most_files()) {
      complain(key, fmt::format("{} is more than this machine allows anybody, {}; write at most that, or raise it with "
                                "sysctl fs.nr_open",
                                config::format_limit(limit.value), most_files()));
    }
  }

  void check_connections() {
    const std::uint64_t connections = app_.limits.connections;
    const std::uint64_t rest = kFilesPerWorker * app_.workers.max + kFilesOfItself;
    const std::uint64_t most = hard_limit(RLIMIT_NOFILE);
    if (connections + rest <= most) return;
    const std::string cure = most > rest ? fmt::format("write at most {}, or raise", most - rest) : "raise";
    complain("limits.connections",
             fmt::format("{} connections and {} workers take {} descriptors, and the server may have {}; {} that limit "
                         "(ulimit -Hn, or LimitNOFILE= of its service)",
                         connections, app_.workers.max, connections + rest, most, cure));
  }

  const config::App& app_;
  const bool is_root_ = ::geteuid() == 0;
  config::Findings findings_;
};

}  // namespace

config::Findings check(const config::App& app) {
  return AppChecks(app).run();
}

config::Findings check(const config::Config& config) {
  config::Findings findings;
  for (const config::App& app : config.apps) {
    config::Findings found = check(app);
    findings.insert(findings.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  }
  return findings;
}

}  // namespace forklift::machine
