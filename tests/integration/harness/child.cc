#include "harness/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <ostream>
#include <set>
#include <system_error>

#include "base/unique_fd.h"
#include "harness/processes.h"

extern char** environ;

namespace harness {
namespace {

std::string_view name_of(std::string_view assignment) {
  return assignment.substr(0, assignment.find('='));
}

std::vector<std::string> merged_environment(const std::vector<std::string>& own) {
  std::vector<std::string> result = own;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const auto same_name = [&](const std::string& a) { return name_of(a) == name_of(*variable); };
    if (std::none_of(own.begin(), own.end(), same_name)) result.emplace_back(*variable);
  }
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

struct Running {
  std::mutex mutex;
  std::set<pid_t> pids;
};

Running& running_children() {
  static Running instance;
  return instance;
}

// In the child, between fork and exec: system calls only, since other threads of the test may have held any lock.
[[noreturn]] void become(char* const* argv, char* const* envp, int output, const Child::Options& options,
                         pid_t parent) {
  prctl(PR_SET_PDEATHSIG, options.death_signal);
  if (getppid() != parent) _exit(126);
  // Apache (prefork), when it ends, signals its whole group, and tests that run at the same time are of one.
  setpgid(0, 0);
  // Programs that crash on purpose shall not fill the disk.
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  sigset_t nothing;
  sigemptyset(&nothing);
  sigprocmask(SIG_SETMASK, &nothing, nullptr);
  const int input = open("/dev/null", O_RDONLY);
  if (input < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) _exit(126);
  // High first: each may stand where another is to go.
  constexpr int kHigh = 500;
  int next = 0;
  for (const int fd : options.descriptors) {
    if (dup2(fd, kHigh + next++) < 0) _exit(126);
  }
  for (int i = 0; i < next; ++i) dup2(kHigh + i, 3 + i);
  // Descriptors that the test itself was started with: whoever looks at the program's shall see its own alone.
  close_range(3U + static_cast<unsigned>(next), ~0U, 0);
  execve(argv[0], argv, envp);
  _exit(127);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const ExitStatus& status) {
  switch (status.kind) {
    case ExitStatus::Kind::kExited: return out << "exit status " << status.value;
    case ExitStatus::Kind::kKilled:
      return out << "killed by signal " << status.value << " (" << strsignal(status.value) << ")";
    case ExitStatus::Kind::kStillRunning: return out << "still running";
  }
  return out << "?";
}

Child::~Child() {
  if (!running()) return;
  signal(SIGKILL);
  wait(kPatience);
}

void Child::start(const Options& options) {
  if (running()) throw std::logic_error(options.command.at(0) + " is running already");
  std::vector<std::string> command = options.command;
  std::vector<std::string> environment = merged_environment(options.environment);
  const std::vector<char*> argv = pointers(command);
  const std::vector<char*> envp = pointers(environment);
  const forklift::UniqueFd output(open(options.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!output) throw std::system_error(errno, std::generic_category(), options.output);

  Running& all = running_children();
  const std::lock_guard lock(all.mutex);
  const pid_t parent = getpid();
  // A shell starts with these ignored what it starts in the background, and a test may send them to what has just been
  // forked.
  for (const int number : {SIGINT, SIGQUIT}) ::signal(number, SIG_DFL);
  const pid_t pid = fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) become(argv.data(), envp.data(), output.get(), options, parent);
  all.pids.insert(pid);
  pid_ = pid;
  status_ = {};
}

bool Child::running() {
  return pid_ != 0 && wait(milliseconds(0)).kind == ExitStatus::Kind::kStillRunning;
}

bool Child::is_one(pid_t pid) {
  Running& all = running_children();
  const std::lock_guard lock(all.mutex);
  return all.pids.contains(pid);
}

bool Child::signal(int number) const {
  return signal_own_child(pid_, number);
}

ExitStatus Child::wait(milliseconds patience) {
  if (pid_ == 0 || status_.kind != ExitStatus::Kind::kStillRunning) return status_;
  int raw = 0;
  const bool ended = eventually([&] { return waitpid(pid_, &raw, WNOHANG) == pid_; }, patience);
  if (!ended) return status_;
  status_ = WIFEXITED(raw) ? ExitStatus::exited(WEXITSTATUS(raw)) : ExitStatus::killed(WTERMSIG(raw));
  Running& all = running_children();
  const std::lock_guard lock(all.mutex);
  all.pids.erase(pid_);
  return status_;
}

}  // namespace harness
