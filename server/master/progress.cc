#include "master/progress.h"

#include <algorithm>

namespace forklift::master {

Progress progress_of(const WorkerSlot& slot) {
  // In this order: what an honest worker has written is not later than what the clock says then. Progress in the future
  // is none.
  const TimePoint progress = slot.page.progress();
  const TimePoint now = Clock::now();
  const config::Timeouts& timeouts = slot.generation->config.timeouts;
  const bool taken = slot.page.taken() == slot.lend_serial;
  const TimePoint begun = slot.defers_since.value_or(slot.lent_at);
  const bool waits_for_client = slot.lent && taken && slot.page.activity() == ipc::Activity::kClient;
  const bool waits_for_ever = timeouts.body == Duration::zero() || timeouts.write == Duration::zero();
  const Duration look_again = std::max<Duration>(timeouts.request / 8, milliseconds(50));
  if (waits_for_client && waits_for_ever) return {.look_again = now + look_again};

  const TimePoint since = taken && progress > begun && progress <= now ? progress : begun;
  const Duration limit =
      timeouts.request + (waits_for_client ? std::max(timeouts.body, timeouts.write) : Duration::zero());
  if (now - since >= limit) return {.overdue = true};
  return {.look_again = waits_for_client ? std::min(since + limit, now + look_again) : since + limit};
}

}  // namespace forklift::master
