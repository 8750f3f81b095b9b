#include "worker/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iterator>

#include "base/descriptors.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/unique_fd.h"
#include "config/units.h"
#include "worker/environment.h"

namespace forklift::worker {

namespace {

// Who has a terminal may write what its shell reads next (TIOCSTI, ioctl_tty(2)). It is no job for setsid(2), which the
// leader of a group may not call, and the master may have made this process one. There may be none, or it has hung up.
void leave_terminal() {
  const UniqueFd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (terminal) ::ioctl(terminal.get(), TIOCNOTTY);
}

// A machine that has no memory left is to lose a worker, not the master, and the request that made the worker grow.
// Without a /proc that can be written to, the kernel decides by size alone.
void be_killed_before_the_master() {
  constexpr int kMore = 100;
  constexpr int kMost = 1000;
  const UniqueFd fd(::open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC));
  char text[16] = {};
  if (fd && ::read(fd.get(), text, sizeof text - 1) > 0) {
    const std::string score = std::to_string(std::min(std::atoi(text) + kMore, kMost));
    if (::pwrite(fd.get(), score.data(), score.size(), 0) > 0) return;
  }
  log::debug("the OOM score stays the master's: /proc/self/oom_score_adj: {}", describe_errno(errno));
}

Result<void> set_limit(int resource, const std::string& name, const rlimit& limit) {
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0) return {};
  const int code = errno;
  rlimit now{};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &now);
  return fail_errno(
      fmt::format("rlimits.{}: setrlimit to {} (the server's own hard limit is {}, and to pass that takes "
                  "CAP_SYS_RESOURCE)",
                  name, config::format_limit(limit.rlim_cur), config::format_limit(now.rlim_max)),
      code);
}

Result<void> set_limits(const config::Confinement& confinement, const rlimit& descriptors) {
  if (auto set = set_limit(RLIMIT_NOFILE, "nofile", descriptors); !set) return set;
  for (const config::Rlimit& limit : confinement.rlimits) {
    const rlimit both{.rlim_cur = limit.value, .rlim_max = limit.value};
    if (auto set = set_limit(limit.resource, limit.name, both); !set) return set;
  }
  return {};
}

Result<void> change_root(const std::string& folder) {
  if (folder.empty()) return {};
  if (::chroot(folder.c_str()) != 0 || ::chdir("/") != 0) {
    const int code = errno;
    return fail_errno(
        fmt::format("chroot {}{}", folder, code == EPERM ? " (only a server that is started as root can)" : ""), code);
  }
  return {};
}

// The dynamic linker would blame the plugin's file.
Result<void> require_proc(const std::string& root) {
  if (::access("/proc/self/fd", F_OK) == 0) return {};
  return fail("{}there is no /proc{}, through which the plugin is opened; mount a proc file system at {}/proc",
              root.empty() ? "" : fmt::format("chroot {}: ", root), root.empty() ? "" : " in it", root);
}

bool is_to_be_root(const Identity& identity) {
  return identity.changes && identity.user == 0;
}

// What is in a session keyring is for whoever has it, whatever user that is (keyrings(7)). While this process is root
// still, so that the new one counts among root's keys. Where the kernel has no keyrings, or a container forbids them,
// there are none for the plugin either.
Result<void> leave_session_keyring(const Identity& to) {
  if (!to.changes || is_to_be_root(to)) return {};
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) >= 0 || errno == ENOSYS || errno == EPERM) return {};
  const int code = errno;
  return fail_errno(fmt::format("user: a session keyring{}",
                                code == EDQUOT ? " (sysctl kernel.keys.maxkeys and root_maxkeys raise the quota)" : ""),
                    code);
}

// Groups first: a process that is no longer root cannot change them, and would keep root's.
Result<void> change_user(const Identity& to) {
  if (!to.changes) return {};
  if (::setgroups(to.groups.size(), to.groups.data()) != 0) return fail_errno("user: setgroups");
  if (::setresgid(to.group, to.group, to.group) != 0) return fail_errno(fmt::format("group: setresgid {}", to.group));
  if (::setresuid(to.user, to.user, to.user) != 0) return fail_errno(fmt::format("user: setresuid {}", to.user));

  uid_t user[3] = {};
  gid_t group[3] = {};
  const bool known =
      ::getresuid(&user[0], &user[1], &user[2]) == 0 && ::getresgid(&group[0], &group[1], &group[2]) == 0;
  const auto all_are = [](const auto(&ids)[3], auto id) {
    return std::all_of(std::begin(ids), std::end(ids), [id](auto one) { return one == id; });
  };
  if (!known || !all_are(user, to.user) || !all_are(group, to.group)) {
    return fail("user: the kernel has not changed to user {} and group {}", to.user, to.group);
  }
  return {};
}

// A server that is no root may have been given some for itself (AmbientCapabilities= of its service). One that is root
// may have been started such that a change of the user leaves them, or those for programs (capabilities(7)).
Result<void> drop_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  const auto is_empty = [](const auto& set) { return (set.effective | set.permitted | set.inheritable) == 0; };
  if (::syscall(SYS_capget, &header, sets) == 0 && std::ranges::all_of(sets, is_empty)) return {};
  std::ranges::fill(sets, __user_cap_data_struct{});
  // The ambient ones are part of the others, and go with them.
  if (::syscall(SYS_capset, &header, sets) != 0) return fail_errno("user: capset to no capabilities");
  return {};
}

Result<void> check_no_way_back(const Identity& identity) {
  if (!identity.changes || is_to_be_root(identity) || (::setuid(0) != 0 && ::seteuid(0) != 0)) return {};
  return fail("user: {} can become root again", identity.user);
}

// The change of the user has forbidden them (PR_SET_DUMPABLE(2const)).
bool wants_core_files(const config::Confinement& confinement) {
  return std::any_of(confinement.rlimits.begin(), confinement.rlimits.end(),
                     [](const auto& limit) { return limit.resource == RLIMIT_CORE && limit.value > 0; });
}

}  // namespace

Result<void> let_go(std::span<const int> keep) {
  if (auto closed = close_all_but(keep); !closed) return closed;
  UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null) return fail_errno("open /dev/null");
  if (::dup2(null.get(), STDIN_FILENO) < 0) return fail_errno("dup2");
  leave_terminal();
  // The master does the same; whoever comes second finds it done.
  if (::setpgid(0, 0) != 0) return fail_errno("setpgid");
  restore_signals();
  survive_signals_of_master();
  return {};
}

Result<void> confine(const config::Confinement& confinement, const Identity& identity, const rlimit& descriptors) {
  be_killed_before_the_master();
  if (auto done = set_limits(confinement, descriptors); !done) return done;
  if (auto done = change_root(confinement.chroot); !done) return done;
  if (auto done = require_proc(confinement.chroot); !done) return done;
  ::umask(confinement.umask);
  if (auto done = leave_session_keyring(identity); !done) return done;
  if (auto done = change_user(identity); !done) return done;
  if (!is_to_be_root(identity)) {
    if (auto done = drop_capabilities(); !done) return done;
  }
  if (auto done = check_no_way_back(identity); !done) return done;
  const std::string& directory = confinement.directory.empty() ? "/" : confinement.directory;
  if (::chdir(directory.c_str()) != 0) return fail_errno(fmt::format("directory: chdir {}", directory));
  rebuild_environment(confinement, identity);
  if (confinement.no_new_privs && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return fail_errno("no_new_privs: prctl(PR_SET_NO_NEW_PRIVS)");
  }
  if (identity.changes && wants_core_files(confinement) && ::prctl(PR_SET_DUMPABLE, 1) != 0) {
    return fail_errno("rlimits.core: prctl(PR_SET_DUMPABLE)");
  }
  return {};
}

}  // namespace forklift::worker
