#include "machine/surroundings.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>

#include "config/paths.h"
#include "machine/identity.h"

namespace forklift::machine {

namespace {

bool may(const std::string& path, int what) {
  return ::faccessat(AT_FDCWD, path.c_str(), what, AT_EACCESS) == 0;
}

// What is in the way of making a file at `path`; empty where nothing is.
std::string obstacle(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) {
    return errno == ENOENT ? fmt::format("there is no folder {}; make it, or write another path", folder)
                           : fmt::format("{}: {}", folder, describe_errno(errno));
  }
  if (!S_ISDIR(status.st_mode)) return fmt::format("{} is no folder", folder);
  if (!may(folder, W_OK | X_OK)) return fmt::format("this user may make no file in {}", folder);
  return {};
}

class Surroundings {
 public:
  explicit Surroundings(const config::Config& config) : config_(config) {}

  config::Findings run() {
    const std::string& log = config_.log.file;
    if (log.starts_with('/')) check_log({config_.file, 0, 0}, "log.file", log);
    if (!config_.pid_file.empty()) complain_of({config_.file, 0, 0}, "pid_file", obstacle(config_.pid_file));
    if (config_.control != config::default_control(config_.runtime_dir)) {
      complain_of({config_.file, 0, 0}, "control", obstacle(config_.control));
    }
    for (const config::App& app : config_.apps) {
      const std::string& access_log = app.access_log.file;
      if (!access_log.empty()) check_log(app.place("access_log.file"), "access_log.file", access_log);
      for (const config::Listen& listen : app.listen) check_listener(listen);
    }
    return std::move(findings_);
  }

 private:
  void complain_of(const config::Position& position, std::string_view key, const std::string& what) {
    if (!what.empty()) findings_.push_back({position, fmt::format("{}: {}", key, what)});
  }

  // One that is there is appended to.
  void check_log(const config::Position& position, std::string_view key, const std::string& path) {
    if (!may(path, F_OK)) return complain_of(position, key, obstacle(path));
    if (!may(path, W_OK)) complain_of(position, key, fmt::format("this user may not write to {}", path));
  }

  void check_listener(const config::Listen& listen) {
    if (listen.address.family != config::Address::Family::kUnix) return;
    complain_of(listen.position, "listen", obstacle(listen.address.path));
    if (const auto owner = look_up_owner(listen.owner, listen.group); !owner) {
      complain_of(listen.position, "listen", owner.error().message());
    }
  }

  const config::Config& config_;
  config::Findings findings_;
};

}  // namespace

config::Findings check_surroundings(const config::Config& config) {
  return Surroundings(config).run();
}

}  // namespace forklift::machine
