#include "worker/orphan.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/unique_fd.h"

namespace forklift::worker {
namespace {

struct Ends {
  UniqueFd read;
  UniqueFd write;
};

Ends open_pipe() {
  int ends[2];
  if (::pipe(ends) != 0) std::abort();
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// A worker that hangs in its plugin: it says one byte when it is ready, and holds its end of the pipe until it is gone.
[[noreturn]] void hang(pid_t master, Duration grace, int ready) {
  const bool armed = die_with(master, grace).has_value();
  if (!armed || ::write(ready, "r", 1) != 1) ::_exit(1);
  while (true) ::pause();
}

bool ends_within(int pipe, milliseconds patience) {
  pollfd entry{pipe, POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(patience.count())) == 1;
}

TEST(Orphan, a_hanging_worker_goes_with_its_master_after_the_grace_and_not_before) {
  for (const milliseconds grace : {milliseconds(50), milliseconds(600'000)}) {
    Ends pipe = open_pipe();
    Ends pid = open_pipe();
    const pid_t master = ::fork();
    if (master == 0) {
      const pid_t self = ::getpid();
      const pid_t worker = ::fork();
      if (worker == 0) hang(self, grace, pipe.write.get());
      pipe.write.reset();
      if (::write(pid.write.get(), &worker, sizeof worker) != sizeof worker) ::_exit(1);
      while (true) ::pause();
    }
    pipe.write.reset();
    pid_t worker = 0;
    char ready = 0;
    ASSERT_EQ(::read(pid.read.get(), &worker, sizeof worker), static_cast<ssize_t>(sizeof worker));
    ASSERT_EQ(::read(pipe.read.get(), &ready, 1), 1);
    EXPECT_FALSE(ends_within(pipe.read.get(), milliseconds(0))) << "the master lives";

    ::kill(master, SIGKILL);
    ASSERT_EQ(::waitpid(master, nullptr, 0), master);
    if (grace < seconds(1)) {
      EXPECT_TRUE(ends_within(pipe.read.get(), seconds(10)));
    } else {
      EXPECT_FALSE(ends_within(pipe.read.get(), milliseconds(200))) << "it has time for its request";
      ::kill(worker, SIGKILL);
    }
  }
}

}  // namespace
}  // namespace forklift::worker
