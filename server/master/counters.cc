#include "master/counters.h"

namespace forklift::master {

void RequestCounters::count(unsigned status, bool by_worker) {
  requests++;
  if (status == kClientLeft) {
    client_left++;
  } else {
    responses[status / 100 < responses.size() ? status / 100 : 0]++;
  }
  if (status == 503 && !by_worker) refused_503++;
}

void WorkerCounters::count_death(const WorkerSlot& slot, int wait_status) {
  const bool as_told = slot.told_to_leave && wait_status == 0;
  if (failed_to_start(slot) && !as_told) {
    failed_starts++;
  } else if (slot.killed != KillReason::kNone && slot.killed != KillReason::kBrokenProtocol) {
    timeouts++;
  } else if (!as_told || slot.has_work()) {
    crashes++;
  }
}

}  // namespace forklift::master
