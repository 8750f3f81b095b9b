#include "worker/worker.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <optional>
#include <typeinfo>

#include "base/log.h"
#include "plugin/host_table.h"
#include "plugin/image.h"
#include "plugin/library.h"
#include "worker/confine.h"
#include "worker/lend_source.h"
#include "worker/orphan.h"
#include "worker/output.h"
#include "worker/process_state.h"
#include "worker/serve.h"

// In a sanitizer build, the check that _exit would skip.
extern "C" int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

namespace forklift::worker {

namespace {

using ipc::Step;

[[noreturn]] void leave(int status) {
  std::fflush(nullptr);
  // The check traces its own process, which only one that is dumpable allows.
  const bool checks = __lsan_do_recoverable_leak_check && status == 0 && ::prctl(PR_GET_DUMPABLE) == 1;
  if (checks && __lsan_do_recoverable_leak_check() != 0) status = 23;
  ::_exit(status);
}

class Worker {
 public:
  explicit Worker(Assignment assignment)
      : task_(std::move(assignment)), host_(task_.app.name, task_.generation, task_.app.settings) {}

  [[noreturn]] void run() {
    start();
    const int status = answer_requests();
    if (plugin_->destroy) plugin_->destroy(instance_);
    leave(status);
  }

 private:
  // ---- the start: each step is reported, so that a failure is logged by the name of its step ----

  void start() {
    step(Step::kForked, forked());
    if (!task_.image) step(Step::kImaged, imaged());
    step(Step::kConfined, confined());
    step(Step::kLoaded, loaded());
    step(Step::kChecked, checked());
    step(Step::kCreated, created());
    step(Step::kReady, ready());
  }

  void step(Step step, const Result<void>& result) {
    if (!result) give_up(step, result.error().message());
    if (!task_.channel.send(ipc::StepReached{.step = step})) leave(1);
  }

  [[noreturn]] void give_up(Step step, std::string_view reason) {
    (void)task_.channel.send(ipc::Failed{.step = step}, reason.substr(0, ipc::kTextMax));
    leave(1);
  }

  Result<void> forked() {
    auto redirected = redirect_output(task_.standard_output.get(), task_.standard_error.get());
    if (!redirected) return redirected;
    const int keep[] = {task_.channel.fd(), task_.image ? task_.image.get() : task_.channel.fd()};
    if (auto done = let_go(keep); !done) return done;
    ::prctl(PR_SET_NAME, fmt::format("fl:{}", task_.app.name).c_str());
    // May wait for room in the channel, but not for long: the master never stops reading.
    log::redirect([this](log::Level level, std::string_view line) {
      (void)task_.channel.send(ipc::LogLine{.level = static_cast<std::uint32_t>(level)}, line.substr(0, ipc::kTextMax));
    });
    return {};
  }

  Result<void> imaged() {
    auto image = plugin::make_image(task_.app.plugin, fmt::format("{}.{}", task_.app.name, task_.generation),
                                    task_.runtime_dir, deadline_after(Clock::now(), task_.app.timeouts.start));
    if (!image) return Failure(image.error());
    task_.image = std::move(*image);
    return task_.channel.send(ipc::Image{}, {}, task_.image.get());
  }

  Result<void> confined() {
    if (auto done = confine(task_.app.confinement, task_.identity, task_.descriptors); !done) return done;
    return die_with(task_.master, task_.app.timeouts.stop);
  }

  // What the plugin prints goes to the log line by line, and not as one lump when the worker leaves.
  Result<void> loaded() {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    auto handle = plugin::open_image(task_.image.get(), task_.app.plugin);
    if (!handle) return Failure(handle.error());
    handle_ = *handle;
    return {};
  }

  Result<void> checked() {
    auto plugin = plugin::check(handle_);
    if (!plugin) return Failure(plugin.error());
    plugin_ = *plugin;
    return {};
  }

  Result<void> created() {
    if (!plugin_->create) return {};
    try {
      if (plugin_->create(host_.table(), &instance_) == 0) return {};
    } catch (const std::exception& e) {
      return fail("create threw {}: {}", typeid(e).name(), e.what());
    }
    return fail("{}", host_.refusal().value_or("create failed and gave no reason"));
  }

  Result<void> ready() {
    auto state = ProcessState::take();
    if (!state) return Failure(state.error());
    state_ = std::move(*state);
    return {};
  }

  // ---- the request loop ----

  int answer_requests() {
    LendSource source(task_.channel, task_.page, task_.app.limits.head);
    Server server(task_.app, *plugin_, instance_, task_.page);
    server.watch_memory();
    while (true) {
      auto lent = source.next();
      if (!lent) {
        log::error("leaves: {}", lent.error().message());
        return 1;
      }
      if (!*lent) return 0;
      if (auto done = source.done(server.serve(std::move(**lent))); !done) return 0;
      // When the request is done, so that it waits for none of this.
      if (auto restored = state_->restore(); !restored) {
        log::error("leaves: the plugin has closed a descriptor that is not its own: {}", restored.error().message());
        return 1;
      }
    }
  }

  Assignment task_;
  plugin::HostTable host_;
  void* handle_ = nullptr;
  const forklift_plugin* plugin_ = nullptr;
  void* instance_ = nullptr;
  std::optional<ProcessState> state_;  // what create has left, for each request
};

}  // namespace

void run(Assignment assignment) {
  Worker(std::move(assignment)).run();
}

}  // namespace forklift::worker
