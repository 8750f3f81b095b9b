#include "master/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "../base/forked.h"
#include "base/socket_options.h"
#include "folder.h"
#include "ipc/channel.h"
#include "master/socket_address.h"

namespace forklift::master {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Family = config::Address::Family;

config::Listen listen_on(config::Address address) {
  config::Listen listen;
  listen.address = std::move(address);
  return listen;
}

config::Listen tcp(std::uint16_t port, const std::string& host = "127.0.0.1") {
  const Family family = host.find(':') == std::string::npos ? Family::kTcp4 : Family::kTcp6;
  return listen_on({.family = family, .host = host, .port = port, .path = {}});
}

config::Listen at_path(const std::string& path) {
  return listen_on({.family = Family::kUnix, .host = {}, .port = 0, .path = path});
}

// 0, or the errno of connect(2).
int connect_to(const config::Address& address) {
  if (address.family == Family::kUnix) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    address.path.copy(to.sun_path, sizeof to.sun_path - 1);
    return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 ? 0 : errno;
  }
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(address.port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 ? 0 : errno;
}

TEST(UnixListener, changes_the_mode_of_its_own_path_only) {
  const Folder folder;
  const std::string path = folder / "app.sock";
  const config::Listen before = at_path(path);
  config::Listen after = before;
  after.mode = 0600;
  auto listener = Listener::bind(before);
  ASSERT_TRUE(listener);
  EXPECT_TRUE(listener->change(before, after, {}));
  EXPECT_EQ(mode_of(path), 0600u);

  const std::string other = folder / "other";
  std::ofstream(other) << "somebody's";
  ASSERT_EQ(::chmod(other.c_str(), 0640), 0);
  for (const auto& put : {::symlink, ::link}) {
    ::unlink(path.c_str());
    ASSERT_EQ(put(other.c_str(), path.c_str()), 0);
    const auto changed = listener->change(after, before, {});
    ASSERT_FALSE(changed);
    EXPECT_THAT(changed.error().message(), HasSubstr("something else has taken the path"));
    EXPECT_EQ(mode_of(other), 0640u);
  }
  listener->close();
  EXPECT_NE(mode_of(path), 0u) << "nor does it remove what is not its own";
}

bool drop_capability(unsigned capability) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capget, &header, sets) != 0) return false;
  sets[CAP_TO_INDEX(capability)].effective &= ~CAP_TO_MASK(capability);
  sets[CAP_TO_INDEX(capability)].permitted &= ~CAP_TO_MASK(capability);
  return ::syscall(SYS_capset, &header, sets) == 0;
}

// As conf/forklift.service leaves it to root. What the kernel takes from who changes his user is there again.
TEST(UnixListener, changes_the_mode_of_what_is_another_users_without_cap_fowner) {
  if (::geteuid() != 0) GTEST_SKIP() << "it takes root";
  const Folder folder;
  config::Listen before = at_path(folder / "app.sock");
  before.owner = std::to_string(kNobody);
  config::Listen after = before;
  after.mode = 0600;
  const Forked child = in_child([&]() -> std::string {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!drop_capability(CAP_FOWNER)) return "the capability stays";
    const auto facts = [] {
      int death_signal = 0;
      ::prctl(PR_GET_PDEATHSIG, &death_signal);
      return fmt::format("{} {} {}", ::setfsuid(static_cast<uid_t>(-1)), ::prctl(PR_GET_DUMPABLE), death_signal);
    };
    const std::string facts_before = facts();
    auto listener = Listener::bind(before);
    if (!listener) return listener.error().message();
    const auto changed = listener->change(before, after, {});
    if (!changed) return changed.error().message();
    return facts() == facts_before ? "changed" : facts();
  });
  EXPECT_EQ(child.said, "changed");
  EXPECT_EQ(mode_of(before.address.path), 0600u);
}

// What another server does at the same moment.
TEST(UnixListener, waits_while_its_folder_is_locked_but_not_for_ever) {
  const Folder folder;
  const std::string path = folder / "app.sock";
  const UniqueFd other(::open(folder.operator/("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  const auto begin = std::chrono::steady_clock::now();
  auto listener = Listener::bind(at_path(path));
  ASSERT_TRUE(listener) << listener.error().message();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(500));
  EXPECT_EQ(connect_to(listener->address()), 0);
  listener->close();

  ::flock(other.get(), LOCK_UN);
  listener = Listener::bind(at_path(path));
  ASSERT_TRUE(listener);
  EXPECT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0) << "the lock is held for no longer than binding takes";
  listener->close();
}

TEST(TcpListener, any_free_port_is_told) {
  auto listener = Listener::bind(tcp(0));
  ASSERT_TRUE(listener) << listener.error().message();
  EXPECT_NE(listener->address().port, 0);
  EXPECT_FALSE(listener->is_unix());
  EXPECT_EQ(listener->frame().name, "scgi");
  EXPECT_EQ(connect_to(listener->address()), 0);
  listener->close();
  EXPECT_EQ(connect_to(listener->address()), ECONNREFUSED);
}

TEST(TcpListener, its_descriptor_is_close_on_exec_and_does_not_block) {
  auto listener = Listener::bind(tcp(0));
  ASSERT_TRUE(listener);
  EXPECT_EQ(::fcntl(listener->fd(), F_GETFD), FD_CLOEXEC);
  EXPECT_NE(::fcntl(listener->fd(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::accept4(listener->fd(), nullptr, nullptr, SOCK_CLOEXEC), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(TcpListener, a_port_in_use_is_an_error_that_names_the_address) {
  auto first = Listener::bind(tcp(0));
  ASSERT_TRUE(first);
  const std::string address = first->address().to_string();
  const auto second = Listener::bind(tcp(first->address().port));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message(), "listen on " + address + ": bind: Address already in use");
  EXPECT_EQ(second.error().code(), EADDRINUSE);
}

TEST(TcpListener, a_port_is_free_again_although_connections_of_the_last_server_linger) {
  auto first = Listener::bind(tcp(0));
  ASSERT_TRUE(first);
  const std::uint16_t port = first->address().port;
  ASSERT_EQ(connect_to(first->address()), 0);
  UniqueFd(::accept4(first->fd(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
  first->close();
  const auto second = Listener::bind(tcp(port));
  EXPECT_TRUE(second) << second.error().message();
}

TEST(TcpListener, an_address_that_this_machine_does_not_have_is_named) {
  const auto listener = Listener::bind(tcp(4000, "192.0.2.1"));
  ASSERT_FALSE(listener);
  EXPECT_THAT(listener.error().message(), AllOf(HasSubstr("listen on 192.0.2.1:4000"), HasSubstr("Cannot assign")));
}

TEST(TcpListener, a_host_that_is_no_address_is_refused) {
  EXPECT_THAT(Listener::bind(tcp(0, "localhost")).error().message(), HasSubstr("not an IPv4 address"));
  EXPECT_THAT(Listener::bind(tcp(0, "::zz")).error().message(), HasSubstr("not an IPv6 address"));
}

class UnixListenerTest : public testing::Test {
 protected:
  // What a killed master leaves behind: a socket in the file system that nobody listens on.
  void leave_stale_socket() {
    auto killed = Listener::bind(at_path(path_));
    ASSERT_TRUE(killed);
  }

  Folder folder_;
  const std::string path_ = folder_ / "app.sock";
};

TEST_F(UnixListenerTest, takes_connections_at_its_path_and_removes_it_at_the_end) {
  auto listener = Listener::bind(at_path(path_));
  ASSERT_TRUE(listener) << listener.error().message();
  EXPECT_TRUE(listener->is_unix());
  EXPECT_EQ(connect_to(listener->address()), 0);
  listener->close();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixListenerTest, owner_and_group_may_connect_whatever_the_umask_says) {
  for (const mode_t mask : {0U, 022U, 077U}) {
    const mode_t before = ::umask(mask);
    auto listener = Listener::bind(at_path(path_));
    EXPECT_EQ(::umask(before), mask) << "the umask is as it was";
    ASSERT_TRUE(listener);
    struct stat status {};
    ASSERT_EQ(::lstat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0660U) << "umask " << mask;
    listener->close();
  }
}

TEST_F(UnixListenerTest, has_the_mode_that_was_asked_for_from_its_first_moment_on) {
  for (const mode_t mode : {0600U, 0666U, 0777U, 0U}) {
    config::Listen listen = at_path(path_);
    listen.mode = mode;
    auto listener = Listener::bind(listen);
    ASSERT_TRUE(listener);
    EXPECT_EQ(mode_of(path_), mode);
    listener->close();
  }
}

// Root gives it to anybody, others to themselves and to their own groups.
TEST_F(UnixListenerTest, belongs_to_the_owner_and_the_group_that_were_asked_for) {
  const bool is_root = ::geteuid() == 0;
  config::Listen listen = at_path(path_);
  listen.owner = is_root ? "nobody" : std::to_string(::geteuid());
  listen.group = is_root ? "4711" : std::to_string(::getegid());
  auto listener = Listener::bind(listen);
  ASSERT_TRUE(listener) << listener.error().message();
  struct stat status {};
  ASSERT_EQ(::lstat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, is_root ? 65534 : ::geteuid());
  EXPECT_EQ(status.st_gid, is_root ? 4711 : ::getegid());
  EXPECT_EQ(mode_of(path_), 0660U);
  listener->close();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixListenerTest, an_owner_that_cannot_be_had_leaves_no_path_behind) {
  config::Listen listen = at_path(path_);
  listen.owner = "no-such-user";
  EXPECT_EQ(Listener::bind(listen).error().message(),
            "listen on unix:" + path_ + ": owner: there is no user \"no-such-user\"");
  listen.owner.clear();
  listen.group = "no-such-group";
  EXPECT_EQ(Listener::bind(listen).error().message(),
            "listen on unix:" + path_ + ": group: there is no group \"no-such-group\"");
  if (::geteuid() != 0) {
    listen.group = "0";
    EXPECT_EQ(
        Listener::bind(listen).error().message(),
        "listen on unix:" + path_ +
            ": owner, group: chown (a server that is not root can give its socket only to a group that it is in): "
            "Operation not permitted");
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

// A socket that somebody else has bound.
UniqueFd bound(const config::Address& address) {
  auto to = to_socket_address(address);
  UniqueFd fd(::socket(to->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(fd.get(), to->get(), to->size), 0);
  return fd;
}

config::Listen systemd() {
  return listen_on({.family = Family::kSystemd, .host = {}, .port = 0, .path = "web"});
}

TEST_F(UnixListenerTest, that_was_adopted_is_not_removed) {
  UniqueFd socket = bound(at_path(path_).address);
  ASSERT_EQ(::listen(socket.get(), 5), 0);
  auto listener = Listener::adopt(std::move(socket), systemd());
  ASSERT_TRUE(listener) << listener.error().message();
  EXPECT_EQ(listener->address().to_string(), "unix:" + path_);
  EXPECT_TRUE(listener->is_unix());
  EXPECT_TRUE(listener->is_adopted());
  EXPECT_EQ(connect_to(listener->address()), 0);
  listener->close();
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST(AdoptedListener, has_the_real_address_and_does_not_block) {
  for (const char* host : {"127.0.0.1", "::1"}) {
    UniqueFd socket = bound(tcp(0, host).address);
    ASSERT_EQ(::listen(socket.get(), 5), 0);
    auto listener = Listener::adopt(std::move(socket), systemd());
    ASSERT_TRUE(listener) << listener.error().message();
    EXPECT_EQ(listener->address().host, host);
    EXPECT_NE(listener->address().port, 0);
    EXPECT_NE(::fcntl(listener->fd(), F_GETFL) & O_NONBLOCK, 0);
  }
}

TEST(AdoptedListener, has_to_be_a_stream_socket_that_listens) {
  const auto error = [](UniqueFd fd) { return Listener::adopt(std::move(fd), systemd()).error().message(); };
  EXPECT_EQ(error(bound(tcp(0).address)),
            "listen on systemd:web: it does not listen; write Accept=no into its socket unit");
  EXPECT_EQ(error(UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))),
            "listen on systemd:web: it is no stream socket; write ListenStream= into its socket unit");
  EXPECT_EQ(error(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC))),
            "listen on systemd:web: it is no stream socket; write ListenStream= into its socket unit");
}

TEST_F(UnixListenerTest, after_unlink_what_has_connected_can_still_be_accepted) {
  auto listener = Listener::bind(at_path(path_));
  ASSERT_TRUE(listener);
  ASSERT_EQ(connect_to(listener->address()), 0);
  listener->unlink();
  EXPECT_EQ(connect_to(listener->address()), ENOENT);
  EXPECT_TRUE(UniqueFd(::accept4(listener->fd(), nullptr, nullptr, SOCK_CLOEXEC)));
}

TEST_F(UnixListenerTest, a_stale_socket_is_replaced) {
  leave_stale_socket();
  ASSERT_TRUE(std::filesystem::is_socket(path_));
  auto listener = Listener::bind(at_path(path_));
  ASSERT_TRUE(listener) << listener.error().message();
  EXPECT_EQ(connect_to(listener->address()), 0);
}

TEST_F(UnixListenerTest, a_socket_that_somebody_listens_on_is_left_alone) {
  auto first = Listener::bind(at_path(path_));
  ASSERT_TRUE(first);
  const auto second = Listener::bind(at_path(path_));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message(), "listen on unix:" + path_ + ": another server is listening there");
  EXPECT_EQ(connect_to(first->address()), 0);
}

TEST_F(UnixListenerTest, so_is_one_whose_backlog_is_full) {
  config::Listen listen = at_path(path_);
  listen.backlog = 0;
  auto first = Listener::bind(listen);
  ASSERT_TRUE(first);
  ASSERT_EQ(connect_to(first->address()), 0);  // fills the backlog
  const auto second = Listener::bind(at_path(path_));
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr("another server is listening there"));
}

TEST_F(UnixListenerTest, what_is_no_socket_is_never_removed) {
  std::ofstream(path_) << "precious";
  const auto listener = Listener::bind(at_path(path_));
  ASSERT_FALSE(listener);
  EXPECT_THAT(listener.error().message(), AllOf(HasSubstr("unix:" + path_), HasSubstr("no socket")));
  EXPECT_EQ(std::filesystem::file_size(path_), 8U);

  std::filesystem::remove(path_);
  leave_stale_socket();
  std::filesystem::rename(path_, folder_ / "target");
  std::filesystem::create_symlink(folder_ / "target", path_);
  EXPECT_THAT(Listener::bind(at_path(path_)).error().message(), HasSubstr("no socket")) << "nor is a symbolic link";
}

TEST_F(UnixListenerTest, only_its_own_socket_is_removed) {
  auto first = Listener::bind(at_path(path_));
  ASSERT_TRUE(first);
  std::filesystem::remove(path_);
  auto second = Listener::bind(at_path(path_));
  ASSERT_TRUE(second);
  first->close();
  EXPECT_EQ(connect_to(second->address()), 0) << "the path belongs to the second one";
  second->close();
  EXPECT_FALSE(std::filesystem::exists(path_));
  second->close();
}

TEST_F(UnixListenerTest, a_folder_that_is_missing_and_a_path_that_is_too_long_are_named) {
  const auto missing = Listener::bind(at_path(folder_ / "none/app.sock"));
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), AllOf(HasSubstr("none/app.sock"), HasSubstr("there is no folder for it")));
  const std::string longest = folder_ / std::string(107 - (folder_ / "").size(), 's');
  EXPECT_TRUE(Listener::bind(at_path(longest)));
  EXPECT_THAT(Listener::bind(at_path(longest + "s")).error().message(), HasSubstr("longer"));
}

// A last close of it waits, for as long as SO_LINGER says: the peer takes nothing.
UniqueFd make_lingering(const UniqueFd& peer_listens) {
  sockaddr_in to{};
  socklen_t size = sizeof to;
  ::getsockname(peer_listens.get(), reinterpret_cast<sockaddr*>(&to), &size);
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), size), 0);
  const std::string much(64 * 1024, 'x');
  while (::send(fd.get(), much.data(), much.size(), MSG_DONTWAIT) > 0) continue;
  const linger minute{.l_onoff = 1, .l_linger = 60};
  EXPECT_EQ(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &minute, sizeof minute), 0);
  return fd;
}

TEST(ListenerTest, a_client_of_a_unix_socket_cannot_send_descriptors_where_the_kernel_can_refuse_them) {
  const Folder folder;
  auto listener = Listener::bind(at_path(folder / "socket"));
  ASSERT_TRUE(listener);
  auto peer = Listener::bind(tcp(0));
  ASSERT_TRUE(peer);
  const UniqueFd silent(::dup(peer->fd()));

  const UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  (folder / "socket").copy(to.sun_path, sizeof to.sun_path - 1);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  const UniqueFd accepted(::accept4(listener->fd(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(accepted);

  ipc::Channel channel(UniqueFd(::dup(client.get())));
  char byte = 'x';
  const iovec part{&byte, 1};
  UniqueFd passed = make_lingering(silent);
  EXPECT_EQ(channel.send({&part, 1}, passed.get(), ipc::Wait::kNo).has_value(), !refuse_descriptors(client.get()))
      << "an older kernel lets it pass, and only that";
  forbid_lingering(passed.get());
}

}  // namespace
}  // namespace forklift::master
