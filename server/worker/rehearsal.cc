#include "worker/rehearsal.h"

#include "plugin/loaded.h"
#include "worker/leave.h"

namespace forklift::worker {

namespace {

// The least that a timer of the kernel knows: 0 would switch it off (timer_settime(2)).
constexpr Duration kAtOnce = std::chrono::nanoseconds(1);

}  // namespace

void rehearse(Assignment assignment) {
  const std::vector<std::string> own = plugin::loaded_libraries();
  auto page = ipc::SharedPage::create();
  if (!page) leave(1);
  assignment.page = std::move(*page);
  Start start(std::move(assignment), kAtOnce);
  start.take();
  for (const std::string& path : plugin::foreign_libraries(own)) {
    if (!start.assignment().channel.send(ipc::Library{}, path)) leave(1);
  }
  start.destroy();
  leave(0);
}

}  // namespace forklift::worker
