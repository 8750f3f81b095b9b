#include "worker/start.h"

#include <sys/prctl.h>

#include <cstdio>

#include "base/log.h"
#include "plugin/create.h"
#include "plugin/elf.h"
#include "plugin/image.h"
#include "plugin/library.h"
#include "worker/confine.h"
#include "worker/leave.h"
#include "worker/orphan.h"
#include "worker/output.h"

namespace forklift::worker {

using ipc::Step;

Start::Start(Assignment assignment, Duration orphan_grace)
    : task_(std::move(assignment)),
      orphan_grace_(orphan_grace),
      host_(task_.app.name, task_.generation, task_.app.settings),
      stats_(task_.page.stats()) {
  host_.offer(FORKLIFT_DEFER_ID, deferred_.table());
  host_.offer(FORKLIFT_STATS_ID, stats_.table());
}

// Each step is reported, so that a failure is logged by the name of its step.
void Start::take() {
  report(Step::kForked, forked());
  if (!task_.image) report(Step::kImaged, imaged());
  report(Step::kConfined, confined());
  // What CHECKED is for, and can be seen without running any of it.
  if (auto done = fits(); !done) report(Step::kChecked, done);
  report(Step::kLoaded, loaded());
  report(Step::kChecked, checked());
  report(Step::kCreated, created());
}

void Start::report(Step step, const Result<void>& result) {
  if (!result) {
    const std::string_view reason = result.error().message();
    (void)task_.channel.send(ipc::Failed{.step = step}, reason.substr(0, ipc::kTextMax));
    leave(1);
  }
  if (!task_.channel.send(ipc::StepReached{.step = step})) leave(1);
}

void Start::destroy() {
  if (plugin_->destroy) plugin_->destroy(instance_);
}

Result<void> Start::forked() {
  if (auto done = die_at_once_with(task_.master); !done) return done;
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

Result<void> Start::imaged() {
  auto image = plugin::make_image(task_.app.plugin, fmt::format("{}.{}", task_.app.name, task_.generation),
                                  task_.runtime_dir, deadline_after(Clock::now(), task_.app.timeouts.start));
  if (!image) return Failure(image.error());
  task_.image = std::move(*image);
  return task_.channel.send(ipc::Image{}, {}, task_.image.get());
}

Result<void> Start::confined() {
  if (auto done = confine(task_.app.confinement, task_.identity, task_.descriptors); !done) return done;
  return die_with(task_.master, orphan_grace_);
}

Result<void> Start::fits() {
  return plugin::check_note(task_.image.get());
}

// What the plugin prints goes to the log line by line, and not as one lump when the worker leaves.
Result<void> Start::loaded() {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  auto handle = plugin::open_image(task_.image.get(), task_.app.plugin);
  if (!handle) return Failure(handle.error());
  handle_ = *handle;
  return {};
}

Result<void> Start::checked() {
  auto plugin = plugin::check(handle_);
  if (!plugin) return Failure(plugin.error());
  plugin_ = *plugin;
  const auto elf = plugin::read_elf(task_.image.get());
  const char* version = plugin_->plugin_version ? plugin_->plugin_version : "";
  const std::string said =
      fmt::format("{}{}{}{}{}", elf ? elf->build_id : "", '\0', plugin_->name, '\0', version).substr(0, ipc::kTextMax);
  return task_.channel.send(ipc::Plugin{}, said);
}

Result<void> Start::created() {
  auto instance = plugin::create(*plugin_, host_);
  stats_.close();
  if (!instance) return Failure(instance.error());
  instance_ = *instance;
  return {};
}

}  // namespace forklift::worker
