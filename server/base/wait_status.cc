#include "base/wait_status.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstring>

namespace forklift {

std::string describe_wait_status(int status) {
  if (!WIFSIGNALED(status)) return fmt::format("exited with status {}", WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const char* name = sigdescr_np(signal);
  return fmt::format("died of signal {} ({}){}", signal, name ? name : "unknown",
                     WCOREDUMP(status) ? ", core dumped" : "");
}

}  // namespace forklift
