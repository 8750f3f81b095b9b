#include "machine/surroundings.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/append_file.h"
#include "base/unique_fd.h"
#include "config/paths.h"
#include "machine/identity.h"
#include "machine/pid_path.h"
#include "machine/runtime_path.h"

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

// Of a path that a log is to be written to.
std::string obstacle_of_log(const std::string& path) {
  if (const auto safe = check_append_path(path); !safe) return safe.error().message();
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return obstacle(path);
  if (S_ISDIR(status.st_mode)) return fmt::format("{} is a folder; write the path of a file", path);
  if (S_ISSOCK(status.st_mode)) return fmt::format("{} is a socket; write the path of a file", path);
  // One that is there is appended to.
  return may(path, W_OK) ? "" : fmt::format("this user may not write to {}", path);
}

// Of a path that a Unix socket is to be bound to. One that is there already may be that of a server that runs. Where
// the folder is on the way to `runtime_dir`, the server makes it.
std::string obstacle_of_socket(const std::string& path, const std::string& runtime_dir) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!std::filesystem::exists(folder) && (runtime_dir + "/").starts_with(folder.string() + "/")) return {};
  struct stat status {};
  const bool is_taken = ::lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode);
  return is_taken ? fmt::format("{} is there and is no socket; remove it, or write another path", path)
                  : obstacle(path);
}

std::string obstacle_of_pid_file(const std::string& path) {
  const std::string what = obstacle(path);
  if (!what.empty()) return what;
  const auto checked = check_pid_path(path);
  return checked ? "" : checked.error().message();
}

// Of a host that this machine may not have. Its port may be that of a server that runs, so any other one is bound, for
// an instant.
std::string obstacle_of_host(const config::Address& address) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.host.c_str(), "0", &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  const UniqueFd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (found->ai_family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (fd && ::bind(fd.get(), found->ai_addr, found->ai_addrlen) == 0) return {};
  const bool is_strange = errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT || errno == EINVAL;
  if (!is_strange) return {};
  return fmt::format("this machine cannot listen on {}: {}", address.host, describe_errno(errno));
}

class Surroundings {
 public:
  explicit Surroundings(const config::Config& config) : config_(config) {}

  config::Findings run() {
    const config::Position file{config_.file, 0, 0};
    const std::string& log = config_.log.file;
    if (log.starts_with('/')) complain_of(file, "log.file", obstacle_of_log(log));
    if (!config_.pid_file.empty()) complain_of(file, "pid_file", obstacle_of_pid_file(config_.pid_file));
    if (const auto own = check_runtime_dir(config_.runtime_dir); !own) {
      complain_of(file, "runtime_dir", own.error().message());
    }
    if (config_.control != config::default_control(config_.runtime_dir)) {
      complain_of(file, "control", obstacle_of_socket(config_.control, config_.runtime_dir));
    }
    for (const config::App& app : config_.apps) {
      const std::string& access_log = app.access_log.file;
      if (!access_log.empty()) {
        complain_of(app.place("access_log.file"), "access_log.file", obstacle_of_log(access_log));
      }
      for (const config::Listen& listen : app.listen) check_listener(listen);
    }
    return std::move(findings_);
  }

 private:
  void complain_of(const config::Position& position, std::string_view key, const std::string& what) {
    if (!what.empty()) findings_.push_back({position, fmt::format("{}: {}", key, what)});
  }

  void check_listener(const config::Listen& listen) {
    using Family = config::Address::Family;
    if (listen.address.family == Family::kSystemd) return;
    if (listen.address.family != Family::kUnix) {
      // Where localhost has no IPv6, it is served without.
      const bool is_optional = listen.from_localhost && listen.address.family == Family::kTcp6;
      return is_optional ? void() : complain_of(listen.position, "listen", obstacle_of_host(listen.address));
    }
    complain_of(listen.position, "listen", obstacle_of_socket(listen.address.path, config_.runtime_dir));
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
