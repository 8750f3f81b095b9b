#include "master/obituary.h"

#include <sys/wait.h>

#include <cstring>

#include "base/quote.h"

namespace forklift::master {

std::string describe_status(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    const char* name = sigdescr_np(signal);
    return fmt::format("died of signal {} ({}){}", signal, name ? name : "unknown",
                       WCOREDUMP(wait_status) ? ", core dumped" : "");
  }
  return fmt::format("exited with status {}", WEXITSTATUS(wait_status));
}

std::string describe_work(const WorkerSlot& slot, TimePoint now) {
  if (slot.state == SlotState::kStarting) return fmt::format("while starting, before {}", to_string(slot.next_step));
  if (!slot.lent) return "while idle";
  const double age = std::chrono::duration<double>(now - slot.lent_at).count();
  if (slot.page.taken() != slot.lend_serial) return "before it took the request";
  const std::string method = slot.page.method();
  return fmt::format("with {} {} since {:.3f} s", method.empty() ? "?" : escape(method), quote(slot.page.uri()), age);
}

}  // namespace forklift::master
