#include "master/loader.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

extern "C" {
#include <sys/pidfd.h>  // of glibc 2.36, which does not say so itself
}

#include <array>
#include <csignal>
#include <exception>
#include <sstream>

#include "base/descriptors.h"
#include "base/log.h"
#include "ipc/message.h"
#include "machine/checks.h"
#include "master/doors.h"
#include "master/memory_reserve.h"

namespace forklift::master {

namespace {

constexpr Duration kPatience = seconds(30);

// ---- what the process says: one of these structs, and behind it the text that its comment names ----

enum class Kind : std::uint32_t { kLine = 1, kProblem, kIdentity, kOwner, kListener, kFinished };

// Of the log; its text.
struct Line {
  Kind kind = Kind::kLine;
  std::uint32_t level = 0;
};

// The text for people.
struct Problem {
  Kind kind = Kind::kProblem;
};

// The supplementary groups, the name and the home, each a line.
struct Found {
  Kind kind = Kind::kIdentity;
  std::uint32_t changes = 0;
  std::uint64_t app = 0;
  uid_t user = 0;
  gid_t group = 0;
};

struct Owner {
  Kind kind = Kind::kOwner;
  uid_t user = 0;
  gid_t group = 0;
  std::uint64_t app = 0;
  std::uint64_t listen = 0;
};

// With the socket.
struct Bound {
  Kind kind = Kind::kListener;
  std::uint64_t app = 0;
  std::uint64_t listen = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

struct Finished {
  Kind kind = Kind::kFinished;
};

constexpr std::size_t kMessageMax = 64 * 1024;

// By which the process is ended, by the master or by its death.
constexpr int kEnd = SIGTERM;

void set_end_blocked(bool blocked) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, kEnd);
  ::sigprocmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, nullptr);
}

// ---- the process ----

class Work {
 public:
  Work(const Loader::Task& task, ipc::Channel channel) : task_(task), channel_(std::move(channel)) {}

  void run() {
    for (const std::size_t app : task_.apps) look_at(app);
    for (const config::Wanted& wanted : task_.owners) look_up_owner(wanted);
    if (problems_ == 0) bind();
    say(Finished{});
  }

  void log(log::Level level, std::string_view line) {
    (void)channel_.send(Line{.level = static_cast<std::uint32_t>(level)}, line.substr(0, kMessageMax / 2));
  }

 private:
  // What the master does not hear it must not take for what there is not: a worker without an identity runs as root.
  template <typename Message>
  void say(const Message& message, std::string_view text = {}) {
    if (!channel_.send(message, text)) ::_exit(1);
  }

  void complain(std::string_view text) {
    ++problems_;
    say(Problem{}, text.substr(0, kMessageMax / 2));
  }

  void look_at(std::size_t index) {
    const config::App& app = task_.config.apps[index];
    for (const config::Finding& finding : machine::check(app)) complain(finding.to_string());
    const auto identity = machine::look_up(app);
    if (!identity) return complain(identity.error().message());
    std::string text;
    for (const gid_t group : identity->groups) text += fmt::format("{} ", group);
    text += fmt::format("\n{}\n{}\n", identity->name, identity->home);
    say(Found{.changes = identity->changes ? 1U : 0U, .app = index, .user = identity->user, .group = identity->group},
        text);
  }

  const config::Listen& listen(const config::Wanted& wanted) const {
    return task_.config.apps[wanted.app].listen[wanted.listen];
  }
  std::string title(const config::Wanted& wanted) const {
    return fmt::format("app \"{}\"", task_.config.apps[wanted.app].name);
  }

  void look_up_owner(const config::Wanted& wanted) {
    const auto owner = machine::look_up_owner(listen(wanted).owner, listen(wanted).group);
    if (!owner) return complain(owner.error().in(title(wanted)).message());
    say(Owner{.user = owner->user, .group = owner->group, .app = wanted.app, .listen = wanted.listen});
  }

  // Each is the master's from its first moment on, who gives it back if anything goes wrong: this process may be ended
  // while it waits for the next, but not between binding one and telling of it.
  void pass_on(const config::Wanted& wanted, Listener listener) {
    const Bound bound{
        .app = wanted.app, .listen = wanted.listen, .device = listener.path().device, .inode = listener.path().inode};
    if (channel_.send(bound, {}, listener.fd())) return;
    listener.close();
    ::_exit(1);
  }

  void bind() {
    for (const config::Wanted& wanted : task_.bind) {
      if (listen(wanted).address.family == config::Address::Family::kSystemd) {
        complain(
            fmt::format("{}: listen on {}: the service manager passes sockets only when it starts the server; "
                        "restart it",
                        title(wanted), listen(wanted).address.to_string()));
        continue;
      }
      auto listener = Listener::reserve(listen(wanted), [] { set_end_blocked(true); });
      if (listener) {
        pass_on(wanted, std::move(*listener));
      } else if (!is_optional(listen(wanted), listener.error())) {
        complain(
            fmt::format("{}: {}", listen(wanted).position.to_string(), listener.error().in(title(wanted)).message()));
      }
      set_end_blocked(false);
    }
  }

  const Loader::Task& task_;
  ipc::Channel channel_;
  unsigned problems_ = 0;
};

[[noreturn]] void work(const Loader::Task& task, ipc::Channel channel, pid_t master) {
  ::signal(kEnd, SIG_DFL);
  ::prctl(PR_SET_PDEATHSIG, kEnd);
  set_end_blocked(false);
  if (::getppid() != master) ::_exit(1);
  ::prctl(PR_SET_NAME, "fl-loader");
  // The connections of clients are to end when the master ends them.
  const int keep[] = {channel.fd()};
  if (!close_all_but(keep)) ::_exit(1);
  try {
    Work work(task, std::move(channel));
    log::redirect([&work](log::Level level, std::string_view line) { work.log(level, line); });
    work.run();
  } catch (const std::exception&) {
    ::_exit(1);
  }
  ::_exit(0);
}

}  // namespace

Result<std::unique_ptr<Loader>> Loader::start(const Task& task, Loop& loop) {
  auto channel = ipc::Channel::make_pair(kMessageMax);
  if (!channel) return Failure(channel.error());
  const pid_t master = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("fork");
  if (pid == 0) {
    memory_reserve::give_up();
    channel->first.close();
    work(task, std::move(channel->second), master);
  }
  // As long as it is not reaped, its number is nobody else's.
  UniqueFd process(::pidfd_open(pid, 0));
  if (!process) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    return fail_errno("pidfd_open", error);
  }
  channel->second.close();
  std::unique_ptr<Loader> loader(new Loader(task.config, std::move(channel->first), std::move(process), loop));
  auto added = loop.poller.add(loader->channel_.fd(), token(Watch::kLoader, 0, 0), EPOLLIN);
  if (!added) return Failure(added.error());
  loader->late_.set(loop.timers, Clock::now() + kPatience);
  return loader;
}

Loader::Loader(const config::Config& config, ipc::Channel channel, UniqueFd process, Loop& loop)
    : config_(config), channel_(std::move(channel)), process_(std::move(process)), loop_(loop), late_([this] {
        fail(fmt::format("users and addresses could not be had within {} s",
                         std::chrono::ceil<seconds>(kPatience).count()));
      }) {}

Loader::~Loader() {
  if (state_ == State::kLoading) end(State::kFailed);
  for (auto& [key, listener] : listeners) listener.close();
}

void Loader::end(State state) {
  state_ = state;
  late_.cancel();
  loop_.poller.remove(channel_.fd());
  ::pidfd_send_signal(process_.get(), kEnd, nullptr, 0);
  ::shutdown(channel_.fd(), SHUT_RD);  // what it binds in this moment it gives back itself
  while (receive()) {                  // and what it has passed on we do
  }
  channel_.close();
}

void Loader::fail(std::string problem) {
  if (state_ != State::kLoading) return;
  problems_.push_back(std::move(problem));
  end(State::kFailed);
}

void Loader::on_readable() {
  while (state_ == State::kLoading && receive()) {
  }
}

// One message. False where there is none.
bool Loader::receive() {
  static std::array<char, kMessageMax> buffer;
  iovec part{buffer.data(), buffer.size()};
  auto received = channel_.receive({&part, 1}, ipc::Wait::kNo);
  if (received && !*received) return false;
  if (!received) fail(received.error().message());
  if (received && (*received)->bytes == 0) fail("the process that looks up users and binds addresses died");
  if (!received || (*received)->bytes == 0) return false;
  on_message({buffer.data(), (*received)->bytes}, std::move((*received)->fd), (*received)->lost_fd);
  return true;
}

void Loader::on_message(std::string_view bytes, UniqueFd fd, bool lost_fd) {
  auto kind = Kind{};
  if (bytes.size() >= sizeof kind) std::memcpy(&kind, bytes.data(), sizeof kind);
  if (kind == Kind::kLine) {
    if (Line m; ipc::take(bytes, m)) log::write(static_cast<log::Level>(m.level), bytes);
  } else if (kind == Kind::kProblem) {
    if (Problem m; ipc::take(bytes, m)) problems_.emplace_back(bytes);
  } else if (kind == Kind::kIdentity) {
    Found m;
    if (!ipc::take(bytes, m)) return fail("the process that looks up users has told half of one");
    Identity& identity = identities[m.app];
    identity.changes = m.changes != 0;
    identity.user = m.user;
    identity.group = m.group;
    std::istringstream lines{std::string(bytes)};
    std::string groups;
    std::getline(lines, groups);
    std::istringstream numbers(groups);
    for (gid_t group = 0; numbers >> group;) identity.groups.push_back(group);
    std::getline(lines, identity.name);
    std::getline(lines, identity.home);
  } else if (kind == Kind::kOwner) {
    if (Owner m; ipc::take(bytes, m)) owners[{m.app, m.listen}] = {m.user, m.group};
  } else if (kind == Kind::kListener) {
    Bound m;
    if (!ipc::take(bytes, m) || (!fd && !lost_fd)) return fail("the process that binds addresses has passed none");
    const PathIdentity path{.device = m.device, .inode = m.inode};
    const config::Listen& listen = config_.apps.at(m.app).listen.at(m.listen);
    if (lost_fd) {
      path.unlink(listen.address.path);
      return fail(fmt::format("listen on {}: too many descriptors are open", listen.address.to_string()));
    }
    auto listener = Listener::take_over(std::move(fd), path, listen);
    if (!listener) return fail(listener.error().message());
    listeners.emplace(Key(m.app, m.listen), std::move(*listener));
  } else if (kind == Kind::kFinished) {
    if (state_ == State::kLoading) end(problems_.empty() ? State::kLoaded : State::kFailed);
  }
}

}  // namespace forklift::master
