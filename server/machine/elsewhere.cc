#include "machine/elsewhere.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <exception>
#include <string_view>

#include "base/retry.h"
#include "base/unique_fd.h"

namespace forklift::machine {

namespace {

constexpr std::size_t kTextBytesMax = 1024 * 1024;

[[noreturn]] void work_and_tell(int to, const std::function<std::string()>& work) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // whoever asks may be ended, too
  std::string text;
  try {
    text = work();
  } catch (const std::exception&) {
    ::_exit(1);
  }
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t n = ::write(to, rest.data(), rest.size());
    if (n <= 0) ::_exit(1);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  ::_exit(0);
}

// All that comes, until its end.
Result<std::string> read_until(int from, TimePoint deadline) {
  std::string text;
  while (text.size() < kTextBytesMax) {
    pollfd entry{from, POLLIN, 0};
    const int ready = ::poll(&entry, 1, milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return Failure(Error("no answer", ETIMEDOUT));
    char buffer[4096];
    const ssize_t n = retry_interrupted([&] { return ::read(from, buffer, sizeof buffer); });
    if (n < 0) return fail_errno("read");
    if (n == 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

}  // namespace

Result<std::string> say_elsewhere(const std::function<std::string()>& work, Duration patience) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("fork");
  if (child == 0) work_and_tell(to.get(), work);
  to.reset();
  auto text = read_until(from.get(), Clock::now() + patience);
  ::kill(child, SIGKILL);  // it has nothing left to say, however it is doing
  retry_interrupted([&] { return ::waitpid(child, nullptr, 0); });
  return text;
}

}  // namespace forklift::machine
