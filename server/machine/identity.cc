#include "machine/identity.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <optional>
#include <sstream>

#include "base/clock.h"
#include "base/log.h"
#include "base/quote.h"
#include "base/unique_fd.h"

namespace forklift::machine {

namespace {

constexpr Duration kPatience = seconds(5);
constexpr std::size_t kAnswerBytesMax = 1024 * 1024;  // 65536 groups are the kernel's limit

// ---- in the process that looks up ----

// A number as it stands; the largest one means "nobody" to the kernel.
std::optional<std::uint32_t> to_number(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && number != UINT32_MAX ? std::optional(number) : std::nullopt;
}

// getpwnam(3) and its kind tell "there is none" by an errno of 0, or by one of several others.
Failure not_found(std::string_view kind, const std::string& name) {
  const int code = errno;
  const bool none = code == 0 || code == ENOENT || code == ESRCH || code == EBADF || code == EPERM;
  if (none) return fail("{}: there is no {} {}", kind, kind, quote(name));
  return fail_errno(fmt::format("{}: looking up {}", kind, quote(name)), code);
}

Result<void> find_user(const std::string& user, bool group_is_named, Identity& identity) {
  const auto number = to_number(user);
  errno = 0;
  const passwd* entry = number ? ::getpwuid(*number) : ::getpwnam(user.c_str());
  if (!entry && number && group_is_named) {
    identity.user = *number;  // as a container has it: a number, and nothing that explains it
    return {};
  }
  if (!entry && number) return fail("user: {} has no passwd entry that would say its group; write group: too", user);
  if (!entry) return not_found("user", user);
  identity.user = entry->pw_uid;
  identity.group = entry->pw_gid;
  identity.name = entry->pw_name;
  identity.home = entry->pw_dir;
  return {};
}

Result<void> find_group(const std::string& group, Identity& identity) {
  if (const auto number = to_number(group)) {
    identity.group = *number;
    return {};
  }
  errno = 0;
  const struct group* entry = ::getgrnam(group.c_str());
  if (!entry) return not_found("group", group);
  identity.group = entry->gr_gid;
  return {};
}

void find_groups(Identity& identity) {
  identity.groups = {identity.group};
  if (identity.name.empty()) return;
  int count = 64;
  identity.groups.resize(static_cast<std::size_t>(count));
  while (::getgrouplist(identity.name.c_str(), identity.group, identity.groups.data(), &count) < 0) {
    count = std::max(count, static_cast<int>(identity.groups.size()) * 2);
    identity.groups.resize(static_cast<std::size_t>(count));
  }
  identity.groups.resize(static_cast<std::size_t>(count));
}

Result<Identity> find(const std::string& user, const std::string& group) {
  Identity identity;
  if (auto found = find_user(user, !group.empty(), identity); !found) return Failure(found.error());
  if (!group.empty()) {
    if (auto found = find_group(group, identity); !found) return Failure(found.error());
  }
  find_groups(identity);
  return identity;
}

// One value a line; what went wrong, or the identity.
std::string to_answer(const Result<Identity>& found) {
  if (!found) return fmt::format("error\n{}\n", found.error().message());
  std::string groups;
  for (const gid_t group : found->groups) groups += fmt::format("{} ", group);
  return fmt::format("found\n{}\n{}\n{}\n{}\n{}\n", found->user, found->group, groups, found->name, found->home);
}

[[noreturn]] void answer(int to, const std::string& user, const std::string& group) {
  std::string text;
  try {
    text = to_answer(find(user, group));
  } catch (const std::exception& e) {
    text = fmt::format("error\n{}\n", e.what());
  }
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t n = ::write(to, rest.data(), rest.size());
    if (n <= 0) ::_exit(1);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  ::_exit(0);
}

// ---- in the caller ----

Result<Identity> from_answer(const std::string& text) {
  std::istringstream lines(text);
  const auto line = [&] {
    std::string result;
    std::getline(lines, result);
    return result;
  };
  const std::string verdict = line();
  if (verdict == "error") return fail("{}", line());
  if (verdict != "found") return fail("the process that looks up users and groups died");
  Identity identity;
  identity.user = to_number(line()).value_or(UINT32_MAX);
  identity.group = to_number(line()).value_or(UINT32_MAX);
  std::istringstream groups(line());
  for (gid_t group = 0; groups >> group;) identity.groups.push_back(group);
  identity.name = line();
  identity.home = line();
  if (identity.user == UINT32_MAX || identity.group == UINT32_MAX || !lines) {
    return fail("the process that looks up users and groups gave half an answer");
  }
  return identity;
}

// All that comes, until its end; fewer bytes at the deadline.
Result<std::string> read_until(int from, TimePoint deadline) {
  std::string text;
  while (text.size() < kAnswerBytesMax) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    pollfd entry{from, POLLIN, 0};
    const int ready = left <= 0 ? 0 : ::poll(&entry, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      return fail("nobody has answered for {} s; see getent(1) and /etc/nsswitch.conf, or write numbers",
                  std::chrono::ceil<seconds>(kPatience).count());
    }
    char buffer[4096];
    const ssize_t n = ::read(from, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read");
    if (n == 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

Result<Identity> find_elsewhere(const std::string& user, const std::string& group) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("fork");
  if (child == 0) answer(to.get(), user, group);
  to.reset();
  const auto text = read_until(from.get(), Clock::now() + kPatience);
  ::kill(child, SIGKILL);  // it has nothing left to say, however it is doing
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) continue;
  if (!text) return Failure(text.error().in(fmt::format("user {}, group {}", quote(user), quote(group))));
  return from_answer(*text);
}

// The master is no root: whatever the app asks for, its workers stay who the master is.
Identity find_own(const config::App& app) {
  const config::Confinement& wanted = app.confinement;
  auto own = find_elsewhere(std::to_string(::geteuid()), std::to_string(::getegid()));
  Identity identity = own ? std::move(*own) : Identity{};
  identity.changes = false;
  if (wanted.user.empty() && wanted.group.empty()) return identity;
  const std::string user = wanted.user.empty() ? std::to_string(::geteuid()) : wanted.user;
  const auto asked = find_elsewhere(user, wanted.group);
  if (!asked || asked->user != ::geteuid() || (!wanted.group.empty() && asked->group != ::getegid())) {
    log::warning("app \"{}\": user and group are ignored: only a server that is started as root can change them",
                 app.name);
  }
  return identity;
}

}  // namespace

Result<Identity> look_up(const config::App& app) {
  const config::Confinement& wanted = app.confinement;
  if (::geteuid() != 0) return find_own(app);
  if (wanted.user.empty()) {
    return fail(
        "app \"{}\": the server runs as root and the app names no user; write user: www-data, or user: root if its "
        "workers are really to be root",
        app.name);
  }
  auto found = find_elsewhere(wanted.user, wanted.group);
  if (!found) return Failure(found.error().in(fmt::format("app \"{}\"", app.name)));
  found->changes = true;
  return found;
}

}  // namespace forklift::machine
