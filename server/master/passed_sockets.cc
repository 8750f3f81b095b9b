#include "master/passed_sockets.h"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <set>

#include "base/log.h"
#include "base/quote.h"
#include "config/units.h"

namespace forklift::master {

namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr std::uint64_t kMost = 1024;

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t colon = text.find(':');
    parts.emplace_back(text.substr(0, colon));
    if (colon == text.npos) return parts;
    text.remove_prefix(colon + 1);
  }
}

}  // namespace

Result<std::vector<std::string>> parse_passed(const char* pid, const char* count, const char* names, pid_t own) {
  if (!pid || !count) return {};
  const auto whose = config::parse_count(pid);
  if (!whose) return Failure(whose.error().in("LISTEN_PID"));
  if (*whose != static_cast<std::uint64_t>(own)) return {};
  const auto many = config::parse_count(count);
  if (!many) return Failure(many.error().in("LISTEN_FDS"));
  if (*many > kMost) return fail("LISTEN_FDS: {} is more than {}", *many, kMost);
  const auto size = static_cast<std::size_t>(*many);
  if (!names) return std::vector<std::string>(size, "unknown");
  std::vector<std::string> result = size == 0 ? std::vector<std::string>{} : split(names);
  if (result.size() == size) return result;
  return fail("LISTEN_FDNAMES={} has {} names, and LISTEN_FDS says {}", quote(names), result.size(), size);
}

Result<PassedSockets> PassedSockets::take() {
  PassedSockets passed;
  const char* const pid = std::getenv("LISTEN_PID");
  const auto names = parse_passed(pid, std::getenv("LISTEN_FDS"), std::getenv("LISTEN_FDNAMES"), ::getpid());
  if (!names) return Failure(names.error());
  if (pid && std::getenv("LISTEN_FDS") && names->empty()) passed.stranger_ = pid;
  for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(variable);
  for (std::size_t i = 0; i < names->size(); ++i) {
    const int fd = kFirst + static_cast<int>(i);
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
      const int code = errno;
      return fail_errno(fmt::format("LISTEN_FDS says {}, but descriptor {}", names->size(), fd), code);
    }
    passed.sockets_.push_back({(*names)[i], UniqueFd(fd)});
  }
  return passed;
}

Result<std::vector<UniqueFd>> PassedSockets::claim(const std::string& name) {
  std::vector<UniqueFd> claimed;
  std::set<std::string> others;
  for (Socket& socket : sockets_) {
    if (socket.name == name) {
      claimed.push_back(std::move(socket.fd));
    } else {
      others.insert(quote(socket.name));
    }
  }
  std::erase_if(sockets_, [&](const Socket& socket) { return socket.name == name; });
  if (!claimed.empty()) return claimed;
  if (!others.empty()) {
    return fail("the service manager has passed no socket with FileDescriptorName={}; there are {}", name,
                fmt::join(others, ", "));
  }
  if (!stranger_.empty()) {
    return fail("the service manager has passed its sockets to process {}, and this is {}; start the server with exec",
                quote(stranger_, 60), ::getpid());
  }
  return fail("the service manager has passed no socket; start the server by a socket unit with FileDescriptorName={}",
              name);
}

void PassedSockets::close_rest() {
  for (const Socket& socket : sockets_) {
    log::warning(
        "the service manager has passed a socket with FileDescriptorName={} (descriptor {}), but no app listens "
        "on \"systemd:{}\"; closing it",
        escape(socket.name), socket.fd.get(), escape(socket.name));
  }
  sockets_.clear();
}

}  // namespace forklift::master
