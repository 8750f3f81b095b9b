#include "base/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace forklift {

namespace {

sigset_t master_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGHUP, SIGTERM, SIGQUIT, SIGINT, SIGUSR1, SIGUSR2, SIGCHLD}) sigaddset(&set, signal);
  return set;
}

void set_action(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void block_signals() {
  const sigset_t set = master_signals();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  set_action(SIGPIPE, SIG_IGN);
  // A log that is as large as RLIMIT_FSIZE allows is one that cannot be written, no reason to die.
  set_action(SIGXFSZ, SIG_IGN);
  // A parent may have left it ignored, and then the kernel would reap our workers before we can.
  set_action(SIGCHLD, SIG_DFL);
}

void restore_signals() {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    const bool is_write_error = signal == SIGPIPE || signal == SIGXFSZ;
    if (is_write_error || ::sigaction(signal, nullptr, &action) != 0) continue;
    if (action.sa_handler == SIG_IGN) set_action(signal, SIG_DFL);
  }
  set_action(SIGPIPE, SIG_IGN);
  set_action(SIGXFSZ, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void survive_signals_of_master() {
  // Not ignored: what a plugin executes would inherit that.
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2}) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, nullptr);
  }
}

Result<SignalEvents> SignalEvents::create() {
  const sigset_t set = master_signals();
  SignalEvents events;
  events.fd_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!events.fd_) return fail_errno("signalfd");
  return events;
}

std::vector<int> SignalEvents::take() {
  std::vector<int> signals;
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) == sizeof info) signals.push_back(static_cast<int>(info.ssi_signo));
  return signals;
}

}  // namespace forklift
