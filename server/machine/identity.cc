#include "machine/identity.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <functional>
#include <optional>
#include <sstream>

#include "base/clock.h"
#include "base/log.h"
#include "base/quote.h"
#include "machine/elsewhere.h"

namespace forklift::machine {

namespace {

constexpr Duration kPatience = seconds(5);
constexpr std::uint32_t kUnchanged = UINT32_MAX;  // to chown(2)

// ---- in the process that looks up ----

// A number as it stands; the largest one means "nobody" to the kernel.
std::optional<std::uint32_t> to_number(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && number != UINT32_MAX ? std::optional(number) : std::nullopt;
}

// getpwnam(3) and its kind tell "there is none" by an errno of 0, or by one of several others.
Failure not_found(std::string_view key, std::string_view kind, const std::string& name) {
  const int code = errno;
  const bool none = code == 0 || code == ENOENT || code == ESRCH || code == EBADF || code == EPERM;
  if (none) return fail("{}: there is no {} {}", key, kind, quote(name));
  return fail_errno(fmt::format("{}: looking up {}", key, quote(name)), code);
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
  if (!entry) return not_found("user", "user", user);
  identity.user = entry->pw_uid;
  identity.group = entry->pw_gid;
  identity.name = entry->pw_name;
  identity.home = entry->pw_dir;
  return {};
}

Result<gid_t> find_group(const std::string& group) {
  if (const auto number = to_number(group)) return *number;
  errno = 0;
  const struct group* entry = ::getgrnam(group.c_str());
  if (!entry) return not_found("group", "group", group);
  return entry->gr_gid;
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
    const auto found = find_group(group);
    if (!found) return Failure(found.error());
    identity.group = *found;
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

// Without a name, what is there stays as it is.
Result<Ownership> find_ownership(const std::string& owner, const std::string& group) {
  Ownership found;
  if (const auto number = to_number(owner)) {
    found.user = *number;
  } else if (!owner.empty()) {
    errno = 0;
    const passwd* entry = ::getpwnam(owner.c_str());
    if (!entry) return not_found("owner", "user", owner);
    found.user = entry->pw_uid;
  }
  if (!group.empty()) {
    auto number = find_group(group);
    if (!number) return Failure(number.error());
    found.group = *number;
  }
  return found;
}

std::string to_answer(const Result<Ownership>& found) {
  if (!found) return fmt::format("error\n{}\n", found.error().message());
  return fmt::format("found\n{}\n{}\n", found->user, found->group);
}

// ---- in the caller ----

constexpr std::string_view kHalfAnAnswer = "the process that looks up users and groups gave half an answer";

// The answer, line by line.
class Answer {
 public:
  explicit Answer(const std::string& text) : lines_(text), verdict_(line()) {}

  bool found() const { return verdict_ == "found"; }
  Error error() { return Error(verdict_ == "error" ? line() : "the process that looks up users and groups died"); }
  std::string line() {
    std::string result;
    std::getline(lines_, result);
    return result;
  }
  std::optional<std::uint32_t> number() { return to_number(line()); }
  bool is_whole() const { return !lines_.fail(); }

 private:
  std::istringstream lines_;
  std::string verdict_;
};

Result<Identity> identity_from_answer(const std::string& text) {
  Answer answer(text);
  if (!answer.found()) return Failure(answer.error());
  Identity identity;
  identity.user = answer.number().value_or(UINT32_MAX);
  identity.group = answer.number().value_or(UINT32_MAX);
  std::istringstream groups(answer.line());
  for (gid_t group = 0; groups >> group;) identity.groups.push_back(group);
  identity.name = answer.line();
  identity.home = answer.line();
  if (identity.user == UINT32_MAX || identity.group == UINT32_MAX || !answer.is_whole()) {
    return fail("{}", kHalfAnAnswer);
  }
  return identity;
}

Result<Ownership> ownership_from_answer(const std::string& text) {
  Answer answer(text);
  if (!answer.found()) return Failure(answer.error());
  Ownership ownership;
  ownership.user = answer.number().value_or(kUnchanged);
  ownership.group = answer.number().value_or(kUnchanged);
  if (!answer.is_whole()) return fail("{}", kHalfAnAnswer);
  return ownership;
}

// What `work` answers in a process of its own.
Result<std::string> ask(const std::function<std::string()>& work, const std::string& user, const std::string& group) {
  auto text = say_elsewhere(work, kPatience);
  if (text) return text;
  const std::string whom = fmt::format("user {}, group {}", quote(user), quote(group));
  if (text.error().code() != ETIMEDOUT) return Failure(text.error().in(whom));
  return fail("{}: nobody has answered for {} s; see getent(1) and /etc/nsswitch.conf, or write numbers", whom,
              std::chrono::ceil<seconds>(kPatience).count());
}

Result<Identity> find_elsewhere(const std::string& user, const std::string& group) {
  const auto text = ask([&] { return to_answer(find(user, group)); }, user, group);
  return text ? identity_from_answer(*text) : Failure(text.error());
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

Result<Ownership> look_up_owner(const std::string& owner, const std::string& group) {
  if (owner.empty() && group.empty()) return Ownership{};
  const auto text = ask([&] { return to_answer(find_ownership(owner, group)); }, owner, group);
  return text ? ownership_from_answer(*text) : Failure(text.error());
}

}  // namespace forklift::machine
