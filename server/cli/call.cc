#include "cli/call.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/quote.h"
#include "base/retry.h"
#include "base/signals.h"
#include "cli/call_client.h"
#include "cli/call_options.h"
#include "cli/call_times.h"
#include "cli/terminal.h"
#include "cli/watchdog.h"
#include "config/config.h"
#include "ipc/message.h"
#include "ipc/page.h"
#include "plugin/create.h"
#include "plugin/deferred_work.h"
#include "plugin/host_table.h"
#include "plugin/library.h"
#include "plugin/open_file.h"
#include "plugin/stats_table.h"
#include "worker/leave.h"
#include "worker/process_state.h"
#include "worker/request_source.h"
#include "worker/serve.h"

namespace forklift::cli {

namespace {

using ipc::Step;

// Where the response goes. What the plugin prints to standard output goes to standard error instead.
class Output {
 public:
  static Result<Output> take() {
    Output output;
    output.fd_.reset(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!output.fd_) return fail_errno("standard output");
    if (::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return fail_errno("standard error");
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    return output;
  }

  // False if nobody takes it.
  bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = retry_interrupted([&] { return ::write(fd_.get(), bytes.data(), bytes.size()); });
      if (n < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

 private:
  UniqueFd fd_;
};

std::string show(const protocol::ResponseHead& head) {
  const std::string_view phrase = head.reason.empty() ? protocol::reason_phrase(head.status) : head.reason;
  std::string text = fmt::format("HTTP/1.1 {} {}\n", head.status, phrase);
  for (const auto& [name, value] : head.headers) text += fmt::format("{}: {}\n", name, value);
  return text + "\n";
}

// The same request again and again, and what comes of it. Ended after `repeat` of them.
class CallSource final : public worker::RequestSource {
 public:
  CallSource(const CallOptions& options, std::string head, const Output& output)
      : options_(options), head_(std::move(head)), output_(output) {}

  Result<std::optional<worker::Lent>> next() override {
    if (count_ == options_.repeat) return std::nullopt;
    reader_.head = [this](const protocol::ResponseHead& head) {
      return !options_.include || count_ > 1 || put(show(head));
    };
    reader_.body = [this](std::string_view piece) { return count_ > 1 || put(piece); };
    ++count_;
    const std::string_view body = options_.request.body ? std::string_view(*options_.request.body) : "";
    auto connection = client_.start(body, reader_);
    if (!connection) return Failure(connection.error());
    worker::Lent lent{.connection = std::move(*connection), .lend = {}, .bytes = head_};
    lent.lend.bytes = lent.lend.head_bytes = static_cast<std::uint32_t>(head_.size());
    lent.lend.serial = count_;
    return lent;
  }

  Result<void> done(const ipc::Done& done) override {
    const Received received = client_.finish();
    // The host has said in the log why it has ended a connection; what it cannot know is what a plugin sends by itself.
    const bool is_whole = done.ending != ipc::Ending::kAbort;
    if (is_whole && !received.head) {
      log::error("the response has no head: {}", received.problem.empty() ? "it ends before" : received.problem);
    }
    if (is_lost_) complain("forklift: standard output takes no more of the response\n");
    if (is_lost_ || !is_whole || !received.head || received.head->status >= 500) ++failed_;
    return {};
  }

  Result<void> free(const ipc::Free&) override { return {}; }

  std::size_t failed() const { return failed_; }

 private:
  // Called by the client's thread; the request is over before anybody asks what came of it.
  bool put(std::string_view bytes) {
    is_lost_ = is_lost_ || !output_.write(bytes);
    return !is_lost_;
  }

  const CallOptions& options_;
  std::string head_;
  const Output& output_;
  bool is_lost_ = false;
  Reader reader_;
  CallClient client_;
  std::uint64_t count_ = 0;
  std::size_t failed_ = 0;
};

// A plugin that ends the process itself, by exit(3) or pthread_exit(3), has answered nobody. Destructors of
// thread-local objects run then, and not where a command ends: that leaves as a worker does.
struct EndOfProcess {
  ::pid_t process = 0;  // not a child of the plugin's, which may end as it likes

  ~EndOfProcess() { say(); }
  void say() const {
    if (::getpid() != process) return;
    complain("forklift: the plugin has ended the process\n");
    ::_exit(kFailed);
  }
};

thread_local EndOfProcess end_of_process;

class Call {
 public:
  Call(const CallOptions& options, std::string head, const Output& output)
      : options_(options), source_(options, std::move(head), output), watchdog_(options.timeout) {
    // What limits clients would only disturb who looks at a plugin.
    app_.limits.body = std::numeric_limits<std::uint64_t>::max();
    app_.limits.body_rate = 0;
    app_.timeouts.body = app_.timeouts.write = Duration::zero();
    app_.settings = options.settings;
  }

  int run() {
    end_of_process.process = ::getpid();
    ::at_quick_exit([] { end_of_process.say(); });
    if (auto created = create(); !created) return complain(created.error());
    const auto answered = answer_requests();
    if (plugin_->destroy) {
      watchdog_.begin("destroy()");
      plugin_->destroy(instance_);
      watchdog_.end();
    }
    if (!answered) return complain(answered.error());
    if (options_.repeat > 1) cli::complain(fmt::format("{}\n", summarise(times_, source_.failed())));
    return source_.failed() == 0 ? kOk : kFailed;
  }

 private:
  static int complain(const Error& error) {
    cli::complain(fmt::format("forklift: {}\n", error.message()));
    return kFailed;
  }

  static auto at(Step step) {
    return [step](const Error& error) { return error.in(fmt::format("failed at {}", ipc::to_string(step))); };
  }

  Result<void> create() {
    auto page = ipc::SharedPage::create();
    if (!page) return Failure(page.error());
    page_ = std::move(*page);
    watchdog_.begin("opening the plugin");
    const auto handle = plugin::open_file(options_.plugin);
    if (!handle) return handle.map_error(at(Step::kLoaded)).map([](void*) {});
    const auto plugin = plugin::check(*handle);
    if (!plugin) return plugin.map_error(at(Step::kChecked)).map([](const auto*) {});
    plugin_ = *plugin;
    app_.name = plugin_->name;
    host_.emplace(app_.name, 1, app_.settings);
    stats_.emplace(page_.stats());
    host_->offer(FORKLIFT_DEFER_ID, deferred_.table());
    host_->offer(FORKLIFT_STATS_ID, stats_->table());
    watchdog_.begin("create()");
    const auto instance = plugin::create(*plugin_, *host_);
    stats_->close();
    watchdog_.end();
    if (!instance) return instance.map_error(at(Step::kCreated)).map([](void*) {});
    instance_ = *instance;
    return {};
  }

  // As a worker does (worker/worker.cc).
  Result<void> answer_requests() {
    const auto state = worker::ProcessState::take();
    if (!state) return Failure(state.error());
    worker::Server server(app_, *plugin_, instance_, page_, &deferred_);
    while (true) {
      auto lent = source_.next();
      if (!lent) return Failure(lent.error());
      if (!*lent) return {};
      watchdog_.begin("the request");
      const TimePoint begin = Clock::now();
      const ipc::Done done = server.serve(std::move(**lent));
      times_.push_back(Clock::now() - begin);
      watchdog_.end();
      if (auto reported = source_.done(done); !reported) return reported;
      if (done.defers) {
        watchdog_.begin("the deferred work");
        if (auto reported = source_.free(server.run_deferred()); !reported) return reported;
        watchdog_.end();
      }
      if (auto restored = state->restore(); !restored) return restored;
    }
  }

  const CallOptions& options_;
  CallSource source_;
  Watchdog watchdog_;
  config::App app_;
  ipc::SharedPage page_;
  const forklift_plugin* plugin_ = nullptr;
  std::optional<plugin::HostTable> host_;
  plugin::DeferredWork deferred_;
  std::optional<plugin::StatsTable> stats_;  // nobody looks at the numbers
  void* instance_ = nullptr;
  std::vector<Duration> times_;
};

int run(const Arguments& arguments) {
  const auto refuse = [](const Error& error, int status) {
    complain(fmt::format("forklift: {}\n", error.message()));
    return status;
  };
  const auto options = read_call(arguments);
  if (!options) return refuse(options.error(), kUsage);
  const auto variables = variables_of(options->request);
  if (!variables) return refuse(variables.error(), kUsage);

  restore_signals();
  log::redirect([](log::Level level, std::string_view line) {
    complain(fmt::format("{}: {}\n", log::to_string(level), escape_controls(line)));
  });
  const auto output = Output::take();
  if (!output) return refuse(output.error(), kFailed);
  return Call(*options, scgi_head(*variables), *output).run();
}

}  // namespace

void call(const Arguments& arguments) {
  worker::leave(run(arguments));
}

}  // namespace forklift::cli
