#include "master/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/clock.h"
#include "base/socket_options.h"
#include "machine/identity.h"
#include "master/socket_address.h"

namespace forklift::master {

namespace {

using Family = config::Address::Family;

void enable(int fd, int level, int option) {
  const int on = 1;
  ::setsockopt(fd, level, option, &on, sizeof on);
}

// On TCP. Accepted connections inherit it: a response that is flushed in pieces is not to wait for acknowledgements.
void send_at_once(int fd) {
  enable(fd, IPPROTO_TCP, TCP_NODELAY);
}

// What accept4(2) needs: one that was passed to us need not be a socket at all.
Result<void> check_listens(int fd) {
  const auto option = [fd](int name) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  if (option(SO_TYPE) != SOCK_STREAM) return fail("it is no stream socket; write ListenStream= into its socket unit");
  if (option(SO_ACCEPTCONN) != 1) return fail("it does not listen; write Accept=no into its socket unit");
  return {};
}

// Between finding a path stale and taking it, another server may do the same, and one of the two would listen on a path
// that leads to the other. So the folder is locked meanwhile, which no server does for longer than an instant: one that
// is locked for a second, by somebody else for his own reasons, or that this user may not read, is done without.
UniqueFd lock_folder_of(const std::string& path) {
  constexpr Duration kPatience = seconds(1);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const TimePoint deadline = Clock::now() + kPatience;
  while (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK && Clock::now() < deadline) {
    ::poll(nullptr, 0, 10);
  }
  return fd;
}

// Removes the socket that a killed master has left behind; anything else at the path is somebody's.
Result<void> clear_stale_path(const config::Address& address, SocketAddress& to) {
  struct stat status {};
  if (::lstat(address.path.c_str(), &status) != 0) {
    return errno == ENOENT ? Result<void>{} : fail_errno("lstat");
  }
  if (!S_ISSOCK(status.st_mode))
    return fail("there is a file at this path that is no socket; remove it or listen elsewhere");
  UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return fail_errno("socket");
  if (::connect(probe.get(), to.get(), to.size) == 0 || errno == EAGAIN) {
    return fail("another server is listening there");
  }
  if (errno != ECONNREFUSED) return fail_errno("connect");
  if (::unlink(address.path.c_str()) != 0 && errno != ENOENT) return fail_errno("unlink");
  return {};
}

// A Unix socket's path has its permissions from its first moment on, whatever umask the server was started with.
int bind_with_mode(int fd, SocketAddress& to, mode_t mode) {
  const mode_t before = ::umask(~mode & 0777);
  const int result = ::bind(fd, to.get(), to.size);
  const int error = errno;
  ::umask(before);
  errno = error;
  return result;
}

// Which file bind(2) has made, which may be given away before the socket listens: until then nobody gets in, whoever
// the path belongs to. Through a descriptor, for the reason of Listener::change_path().
Result<PathIdentity> give_away(const std::string& path, const machine::Ownership& to) {
  const UniqueFd file(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    const int code = errno;
    ::unlink(path.c_str());  // it was made a moment ago, in a folder that is locked
    return fail_errno("open the socket's path", code);
  }
  const PathIdentity made{.device = status.st_dev, .inode = status.st_ino};
  if (to.user == machine::Ownership{}.user && to.group == machine::Ownership{}.group) return made;
  if (!S_ISSOCK(status.st_mode) || status.st_uid != ::geteuid()) {
    return fail("something else has taken the path of this socket");
  }
  if (::fchownat(file.get(), "", to.user, to.group, AT_EMPTY_PATH) == 0) return made;
  const int code = errno;
  ::unlink(path.c_str());
  return fail_errno(code == EPERM
                        ? "owner, group: chown (a server that is not root can give its socket only to a group "
                          "that it is in)"
                        : "owner, group: chown",
                    code);
}

// Takes another user for the file system's questions, as long as it lives (setfsuid(2)).
class FileUser {
 public:
  explicit FileUser(uid_t user) : dumpable_(::prctl(PR_GET_DUMPABLE)) {
    ::prctl(PR_GET_PDEATHSIG, &death_signal_);
    before_ = static_cast<uid_t>(::setfsuid(user));
  }
  // The kernel takes what follows away from who changes his user (PR_SET_PDEATHSIG(2const), PR_SET_DUMPABLE(2const)).
  ~FileUser() {
    ::setfsuid(before_);
    if (dumpable_ == 1) ::prctl(PR_SET_DUMPABLE, 1);
    if (death_signal_ != 0) ::prctl(PR_SET_PDEATHSIG, death_signal_);
  }
  FileUser(const FileUser&) = delete;
  FileUser& operator=(const FileUser&) = delete;

 private:
  const int dumpable_;
  int death_signal_ = 0;
  uid_t before_ = 0;
};

// `file` has been opened with O_PATH. As its owner where it has to be: a root without CAP_FOWNER, as
// conf/forklift.service leaves it, may change the mode of no other user's file. To own it in the meantime would lock
// its owner out.
Result<void> change_mode(int file, mode_t mode) {
  const std::string path = fmt::format("/proc/self/fd/{}", file);  // fchmod(2) knows no such descriptor
  const auto change = [&] { return ::chmod(path.c_str(), mode) == 0 ? 0 : errno; };
  int code = change();
  struct stat status {};
  if (code == EPERM && ::fstat(file, &status) == 0) {
    const FileUser owner(status.st_uid);
    code = change();
  }
  return code == 0 ? Result<void>() : fail_errno("mode: chmod", code);
}

Failure cannot(const config::Listen& listen, const Error& error) {
  return Failure(error.in(fmt::format("listen on {}", listen.address.to_string())));
}

struct BoundSocket {
  UniqueFd fd;
  PathIdentity path;
};

Result<BoundSocket> open_and_bind(const config::Listen& listen, bool listens,
                                  const std::function<void()>& before_bind) {
  const config::Address& address = listen.address;
  auto to = to_socket_address(address);
  if (!to) return Failure(to.error());
  const auto owner = machine::look_up_owner(listen.owner, listen.group);
  if (!owner) return Failure(owner.error());
  UniqueFd fd(::socket(to->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  UniqueFd folder;  // locked until the socket listens, so that the path is ours as long
  if (address.family == Family::kUnix) {
    refuse_descriptors(fd.get());
    folder = lock_folder_of(address.path);
    if (auto cleared = clear_stale_path(address, *to); !cleared) return Failure(cleared.error());
  } else {
    enable(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    send_at_once(fd.get());
    if (address.family == Family::kTcp6) enable(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  }
  before_bind();
  if (bind_with_mode(fd.get(), *to, listen.mode) != 0) {
    const bool is_missing = errno == ENOENT;
    return is_missing ? fail("bind: there is no folder for it; make it, or write another path") : fail_errno("bind");
  }
  PathIdentity path;
  if (address.family == Family::kUnix) {
    auto given = give_away(address.path, *owner);
    if (!given) return Failure(given.error());
    path = *given;
  }
  if (listens && ::listen(fd.get(), listen.backlog) != 0) return fail_errno("listen");
  return BoundSocket{std::move(fd), path};
}

}  // namespace

bool PathIdentity::is_at(const std::string& path) const {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void PathIdentity::unlink(const std::string& path) const {
  if (is_at(path)) ::unlink(path.c_str());
}

Result<Listener> Listener::bind(const config::Listen& listen) {
  auto bound = open_and_bind(listen, true, [] {});
  return bound ? take_over(std::move(bound->fd), bound->path, listen) : cannot(listen, bound.error());
}

Result<Listener> Listener::reserve(const config::Listen& listen, const std::function<void()>& before_bind) {
  auto bound = open_and_bind(listen, false, before_bind);
  return bound ? take_over(std::move(bound->fd), bound->path, listen) : cannot(listen, bound.error());
}

Result<Listener> Listener::take_over(UniqueFd reserved, const PathIdentity& path, const config::Listen& listen) {
  auto address = bound_address(reserved.get());
  if (!address) return cannot(listen, address.error());
  Listener listener(std::move(reserved), std::move(*address), listen);
  listener.path_ = path;
  return listener;
}

Result<void> Listener::start() {
  if (auto listens = listen(); !listens) return listens;
  // Until now it looked like one that a dead server has left behind.
  if (!is_unix() || path_.is_at(address_.path)) return {};
  return fail("listen on {}: another server has taken its path", address_.to_string());
}

Result<void> Listener::listen() {
  if (::listen(fd_.get(), backlog_) == 0) return {};
  return Failure(fail_errno("listen").value().in(fmt::format("listen on {}", address_.to_string())));
}

Result<void> Listener::change(const config::Listen& from, const config::Listen& to, const machine::Ownership& owner) {
  half_close_ = to.half_close;
  backlog_ = to.backlog;
  if (is_adopted_) return {};
  if (from.backlog != to.backlog) {
    if (auto listens = listen(); !listens) return listens;
  }
  if (!is_unix() || (from.mode == to.mode && from.owner == to.owner && from.group == to.group)) return {};
  // Who is named no longer gives it back to the server's own user.
  auto changed = change_path(to.mode, {.user = to.owner.empty() && !from.owner.empty() ? ::geteuid() : owner.user,
                                       .group = to.group.empty() && !from.group.empty() ? ::getegid() : owner.group});
  return changed ? changed : cannot(to, changed.error());
}

// Through a descriptor: who may write to the folder, as the socket's owner often may, could put a link to another file
// in its place.
Result<void> Listener::change_path(mode_t mode, const machine::Ownership& owner) const {
  const UniqueFd path(::open(address_.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!path) return fail_errno("open");
  struct stat status {};
  if (::fstat(path.get(), &status) != 0 || status.st_dev != path_.device || status.st_ino != path_.inode) {
    return fail("something else has taken the path of this socket");
  }
  if (::fchownat(path.get(), "", owner.user, owner.group, AT_EMPTY_PATH) != 0) {
    return fail_errno("owner, group: chown");
  }
  return change_mode(path.get(), mode);
}

Result<Listener> Listener::adopt(UniqueFd socket, const config::Listen& listen) {
  if (auto listens = check_listens(socket.get()); !listens) return cannot(listen, listens.error());
  auto address = bound_address(socket.get());
  if (!address) return cannot(listen, address.error());
  const int flags = ::fcntl(socket.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return cannot(listen, fail_errno("fcntl").value());
  if (address->family != Family::kUnix) send_at_once(socket.get());
  Listener listener(std::move(socket), std::move(*address), listen);
  listener.is_adopted_ = true;
  return listener;
}

void Listener::unlink() {
  if (!is_unix() || is_adopted_) return;
  path_.unlink(address_.path);
}

void Listener::close() {
  unlink();
  fd_.reset();
}

}  // namespace forklift::master
