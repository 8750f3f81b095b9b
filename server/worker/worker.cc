#include "worker/worker.h"

#include <optional>

#include "base/log.h"
#include "worker/leave.h"
#include "worker/lend_source.h"
#include "worker/process_state.h"
#include "worker/serve.h"

namespace forklift::worker {

namespace {

class Worker {
 public:
  // An orphan may finish its request.
  Worker(Assignment assignment, Duration orphan_grace) : start_(std::move(assignment), orphan_grace) {}

  [[noreturn]] void run() {
    start_.take();
    start_.report(ipc::Step::kReady, ready());
    const int status = answer_requests();
    start_.destroy();
    leave(status);
  }

 private:
  Result<void> ready() {
    auto state = ProcessState::take();
    if (!state) return Failure(state.error());
    state_ = std::move(*state);
    return {};
  }

  int answer_requests() {
    Assignment& task = start_.assignment();
    LendSource source(task.channel, task.lend_bytes);
    Server server(task.app, start_.plugin(), start_.instance(), task.page, &start_.deferred());
    server.watch_memory();
    while (true) {
      auto lent = source.next();
      if (!lent) {
        log::error("leaves: {}", lent.error().message());
        return 1;
      }
      if (!*lent) return 0;
      const ipc::Done done = server.serve(std::move(**lent));
      auto told = source.done(done);
      // Also where nobody is left to hear of it: what the response has promised is done.
      if (done.defers) told = source.free(server.run_deferred());
      if (!told) return 0;
      // When the request is done, so that it waits for none of this.
      if (auto restored = state_->restore(); !restored) {
        log::error("leaves: the plugin has closed a descriptor that is not its own: {}", restored.error().message());
        return 1;
      }
    }
  }

  Start start_;
  std::optional<ProcessState> state_;  // what create has left, for each request
};

}  // namespace

void run(Assignment assignment) {
  const Duration grace = assignment.app.timeouts.stop;
  Worker(std::move(assignment), grace).run();
}

}  // namespace forklift::worker
