#include "program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <limits>
#include <system_error>

#include "refusal.h"

namespace cgi {
namespace {

using Clock = std::chrono::steady_clock;

// For the keeper to see to a KILL, beyond the grace.
constexpr milliseconds kKeeperGrace{2000};

// More than 2, so that dup2(2) to 0, 1, 2 in the child overwrites none of them. A descriptor of this process is one of
// the three only where somebody has closed them.
Descriptor above_standard(Descriptor descriptor) {
  if (descriptor.get() > STDERR_FILENO) return descriptor;
  Descriptor copy(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!copy) throw std::system_error(errno, std::generic_category(), "fcntl");
  return copy;
}

std::string folder_of(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  return slash == 0 || slash == file.npos ? "/" : file.substr(0, slash);
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// No handler of the worker is to run in the child.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

Program::Program(const Command& command, bool has_body, milliseconds grace) : grace_(grace) {
  try {
    start(command, has_body);
  } catch (const std::system_error& error) {
    throw Refusal(503, std::string("cannot start a program: ") + error.what());
  }
}

void Program::start(const Command& command, bool has_body) {
  Pipe in = Pipe::make();
  Pipe out = Pipe::make();
  Pipe err = Pipe::make();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  control_ = Descriptor(ends[0]);
  input_ = std::move(in.write_end);
  output_ = std::move(out.read_end);
  errors_ = std::move(err.read_end);
  for (const Descriptor* own : {&input_, &output_, &errors_}) make_nonblocking(*own);
  const Descriptor keepers_control = above_standard(Descriptor(ends[1]));
  const Descriptor standard[] = {above_standard(std::move(in.read_end)), above_standard(std::move(out.write_end)),
                                 above_standard(std::move(err.write_end))};

  Descriptor keepers_input;
  if (has_body) {
    keepers_input = Descriptor(::fcntl(input_.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!keepers_input) throw std::system_error(errno, std::generic_category(), "fcntl");
  } else {
    input_.close();
  }

  std::vector<std::string> arguments{command.file};
  if (!command.interpreter.empty()) arguments.insert(arguments.begin(), command.interpreter);
  std::vector<std::string> environment = command.environment;
  const std::vector<char*> argument_pointers = pointers_to(arguments);
  const std::vector<char*> environment_pointers = pointers_to(environment);
  const std::string folder = folder_of(command.file);

  using Limits = std::numeric_limits<int>;
  const Plan plan{.file = arguments.front().c_str(),
                  .arguments = argument_pointers.data(),
                  .environment = environment_pointers.data(),
                  .folder = folder.c_str(),
                  .standard = {standard[0].get(), standard[1].get(), standard[2].get()},
                  .input = keepers_input.get(),
                  .control = keepers_control.get(),
                  .grace_ms = static_cast<int>(std::min<std::int64_t>(grace_.count(), Limits::max()))};
  {
    const BlockedSignals blocked;
    keeper_ = ::fork();
    if (keeper_ == 0) {
      // Held by a copy of ours, it would never tell of our death.
      ::close(control_.get());
      keep(plan);
    }
  }
  if (keeper_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
}

Program::~Program() {
  errors_.close();
  end([] {});
}

void Program::order(char what) {
  ::send(control_.get(), &what, sizeof what, MSG_NOSIGNAL);
}

void Program::end_input() {
  if (!input_) return;
  input_.close();
  order(kInputOrder);
}

void Program::hear() {
  while (!keeper_gone_) {
    KeeperMessage message;
    const ssize_t n = ::recv(control_.get(), &message, sizeof message, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n != static_cast<ssize_t>(sizeof message)) {
      keeper_gone_ = true;
    } else if (message.kind == KeeperMessage::kFailed) {
      failure_ = message;
    } else {
      status_ = message.value;
    }
  }
}

void Program::end(const std::function<void()>& on_errors) {
  if (keeper_ <= 0) return;
  output_.close();
  order(kEndOrder);
  wait_for_keeper(on_errors);
  bury_keeper();
  input_.close();
  control_.close();
}

void Program::wait_for_keeper(const std::function<void()>& on_errors) {
  const auto deadline = Clock::now() + grace_ + kKeeperGrace;
  while (!keeper_gone_) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left <= milliseconds(0)) return;
    pollfd polls[] = {{control_.get(), POLLIN, 0}, {errors_.get(), POLLIN, 0}};
    const int timeout = static_cast<int>(std::min<std::int64_t>(left.count(), 60'000));
    if (::poll(polls, 2, timeout) < 0) continue;
    if (polls[1].revents != 0) on_errors();
    if (polls[1].revents != 0 && errors_ && (polls[1].revents & POLLIN) == 0) errors_.close();
    if (polls[0].revents != 0) hear();
  }
}

// The keeper has ended, or does not answer: somebody has stopped or killed it. Its number, and its group's, is nobody
// else's as long as it is not reaped.
void Program::bury_keeper() {
  if (!keeper_gone_) ::kill(keeper_, SIGKILL);
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(keeper_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) continue;
  lost_its_keeper_ = info.si_code != CLD_EXITED;
  if (lost_its_keeper_) ::kill(-keeper_, SIGKILL);
  int status = 0;
  while (::waitpid(keeper_, &status, 0) < 0 && errno == EINTR) continue;
  was_killed_ = !lost_its_keeper_ && WEXITSTATUS(status) == kKeeperKilled;
  keeper_ = 0;
}

}  // namespace cgi
