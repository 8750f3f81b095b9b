#include "cli/trial.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/counted.h"
#include "base/log.h"
#include "base/poller.h"
#include "base/quote.h"
#include "base/retry.h"
#include "base/wait_status.h"
#include "cli/orphans.h"
#include "config/scrub.h"
#include "ipc/channel.h"
#include "ipc/worker_output.h"
#include "worker/rehearsal.h"

namespace forklift::cli {

namespace {

using ipc::Step;

constexpr Duration kDeathGrace = seconds(5);
constexpr std::size_t kLinesMax = 100;
constexpr std::size_t kLibrariesMax = 1000;

enum class Watch : std::uint8_t { kSignals, kChannel, kOutput, kError };

constexpr Token token(Watch watch) {
  return {static_cast<std::uint8_t>(watch), 0, 0};
}

// Where `serve` would make its runtime_dir: an image that has to be a file is to meet the same file system.
std::string existing_folder(const std::string& path) {
  std::filesystem::path folder = path;
  std::error_code error;
  while (folder.has_relative_path() && !std::filesystem::is_directory(folder, error)) folder = folder.parent_path();
  return folder.string();
}

class Rehearsal {
 public:
  Rehearsal(const config::App& app, SignalEvents& signals, const Say& say, Poller poller)
      : app_(app), signals_(signals), say_(say), poller_(std::move(poller)) {}

  Result<void> begin(config::Config& config, const Identity& identity);
  Trial watch();

 private:
  [[noreturn]] void become_worker(config::Config& config, const Identity& identity, pid_t parent, ipc::Channel channel,
                                  ipc::WorkerOutput::Made output);
  void on_event(Watch watch);
  void on_signals();
  bool read_message();
  void on_message(std::string_view bytes);
  void on_step(Step step);
  void on_output(ipc::Stream stream);
  void on_deadline();
  bool has_ended() const;
  void kill();
  Trial conclude();
  void tell(std::string_view line);
  void tell_output(ipc::Stream stream, std::string_view line);

  const config::App& app_;
  SignalEvents& signals_;
  const Say& say_;
  Poller poller_;
  Orphans orphans_;
  ipc::Channel channel_;
  ipc::WorkerOutput output_;
  pid_t pid_ = 0;
  TimePoint deadline_ = kNever;
  bool killed_ = false;
  bool gave_up_ = false;  // SIGKILL did not end it
  bool timed_out_ = false;
  bool refused_ = false;
  bool created_ = false;
  std::size_t lines_ = 0;
  Trial trial_;
};

Result<void> Rehearsal::begin(config::Config& config, const Identity& identity) {
  // As large as a worker's, so that a kernel which does not grant that is found out.
  auto channel = ipc::Channel::make_pair(sizeof(ipc::Lend) + ipc::lend_bytes_max(app_.limits.head));
  if (!channel) return Failure(channel.error());
  auto output = ipc::WorkerOutput::make();
  if (!output) return Failure(output.error());
  if (auto added = poller_.add(signals_.fd(), token(Watch::kSignals), EPOLLIN); !added) return added;
  if (auto added = poller_.add(channel->first.fd(), token(Watch::kChannel), EPOLLIN); !added) return added;
  const std::pair<ipc::Stream, Watch> kStreams[] = {{ipc::Stream::kOutput, Watch::kOutput},
                                                    {ipc::Stream::kError, Watch::kError}};
  for (const auto& [stream, watch] : kStreams) {
    if (auto added = poller_.add(output->output.fd(stream), token(watch), EPOLLIN); !added) return added;
  }

  deadline_ = deadline_after(Clock::now(), app_.timeouts.start);
  orphans_.adopt();
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) return fail_errno("fork");
  if (pid_ == 0) become_worker(config, identity, parent, std::move(channel->second), std::move(*output));
  ::setpgid(pid_, pid_);  // the process does the same; whoever comes second finds it done
  channel_ = std::move(channel->first);
  output_ = std::move(output->output);
  return {};
}

void Rehearsal::become_worker(config::Config& config, const Identity& identity, pid_t parent, ipc::Channel channel,
                              ipc::WorkerOutput::Made output) {
  for (config::App& other : config.apps) {
    if (&other != &app_) config::scrub(other);
  }
  config::wipe_stack();
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  worker::rehearse({.app = app_,
                    .identity = identity,
                    .generation = 1,
                    .runtime_dir = existing_folder(config.runtime_dir),
                    .descriptors = descriptors,
                    .master = parent,
                    .channel = std::move(channel),
                    .page = {},
                    .standard_output = std::move(output.standard_output),
                    .standard_error = std::move(output.standard_error),
                    .image = {}});
}

Trial Rehearsal::watch() {
  while (!has_ended() && !gave_up_) {
    for (const Poller::Event& event : poller_.wait(deadline_)) on_event(static_cast<Watch>(event.token.kind));
    if (Clock::now() >= deadline_) on_deadline();
  }
  return conclude();
}

void Rehearsal::on_event(Watch watch) {
  switch (watch) {
    case Watch::kSignals: return on_signals();
    case Watch::kChannel:
      // Its end: the process is about to go, or the plugin has closed what is not its own.
      if (!read_message()) poller_.remove(channel_.fd());
      return;
    case Watch::kOutput: return on_output(ipc::Stream::kOutput);
    case Watch::kError: return on_output(ipc::Stream::kError);
  }
}

void Rehearsal::on_signals() {
  for (const int signal : signals_.take()) {
    if (signal == SIGCHLD || signal == SIGUSR1 || signal == SIGUSR2) continue;
    trial_.signal = signal;
    kill();
  }
}

// False if there is none any more, and none will come.
bool Rehearsal::read_message() {
  std::array<char, sizeof(ipc::Failed) + ipc::kTextMax> buffer;
  iovec part{buffer.data(), buffer.size()};
  auto received = channel_.receive({&part, 1}, ipc::Wait::kNo);
  if (!received) {
    tell(fmt::format("the plugin writes to a descriptor that is not its own: {}", received.error().message()));
    kill();
    return false;
  }
  if (!*received || (*received)->bytes == 0) return false;
  on_message({buffer.data(), (*received)->bytes});
  return true;
}

void Rehearsal::on_message(std::string_view bytes) {
  switch (ipc::type_of(bytes)) {
    case ipc::MessageType::kStep:
      if (ipc::StepReached m; ipc::take(bytes, m)) on_step(m.step);
      return;
    case ipc::MessageType::kFailed:
      if (ipc::Failed m; ipc::take(bytes, m) && !created_) {
        refused_ = true;
        trial_.step = m.step;
        trial_.reason = escape_controls(bytes);
      }
      return;
    case ipc::MessageType::kLog:
      if (ipc::LogLine m; ipc::take(bytes, m)) {
        const auto level = std::min(m.level, static_cast<std::uint32_t>(log::Level::kError));
        tell(fmt::format("{}: {}", log::to_string(static_cast<log::Level>(level)), escape_controls(bytes)));
      }
      return;
    case ipc::MessageType::kLibrary:
      if (ipc::Library m; ipc::take(bytes, m) && trial_.libraries.size() < kLibrariesMax) {
        trial_.libraries.push_back(escape(bytes));
      }
      return;
    default: return;  // the image, of which one is enough
  }
}

void Rehearsal::on_step(Step step) {
  if (created_) return;
  trial_.step = static_cast<Step>(static_cast<std::uint32_t>(step) + 1);
  if (step != Step::kCreated) return;
  created_ = true;
  if (!killed_) deadline_ = deadline_after(Clock::now(), app_.timeouts.stop);
}

void Rehearsal::on_output(ipc::Stream stream) {
  const bool more = output_.read(stream, [this](ipc::Stream from, std::string_view line) { tell_output(from, line); });
  if (!more) poller_.remove(output_.fd(stream));
}

void Rehearsal::on_deadline() {
  if (killed_) {
    gave_up_ = true;
    return;
  }
  timed_out_ = true;
  kill();
}

// Without reaping: as long as the process is a zombie, its number, and that of its group, are not given to another.
bool Rehearsal::has_ended() const {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid_;
}

void Rehearsal::kill() {
  if (killed_) return;
  killed_ = true;
  deadline_ = Clock::now() + kDeathGrace;
  ::kill(pid_, SIGKILL);  // which may have left its group, and a child in it
  ::kill(-pid_, SIGKILL);
}

Trial Rehearsal::conclude() {
  ::kill(-pid_, SIGKILL);  // what the plugin has forked
  // What had left the group may go on writing, which is not waited for.
  for (std::size_t left = channel_.backlog_max() / ipc::Channel::kMessageCost; left > 0 && read_message();) --left;
  int status = 0;
  if (!gave_up_) {
    retry_interrupted([&] { return ::waitpid(pid_, &status, 0); });
  }
  output_.finish([this](ipc::Stream stream, std::string_view line) { tell_output(stream, line); });
  orphans_.end(Clock::now() + kDeathGrace);
  if (lines_ > kLinesMax) {
    say_(fmt::format("app \"{}\": ... and {}", app_.name, counted(lines_ - kLinesMax, "more line")));
  }

  const std::string how = gave_up_ ? "is still there 5 s after SIGKILL" : describe_wait_status(status);
  if (trial_.signal != 0) {
    trial_.end = Trial::End::kInterrupt;
  } else if (created_) {
    if (timed_out_) trial_.warning = "its destroy() has not returned within timeouts.stop; each worker will be killed";
    if (!timed_out_ && status != 0) trial_.warning = fmt::format("its process {} in destroy()", how);
  } else if (refused_) {
    trial_.end = Trial::End::kRefused;
  } else {
    trial_.end = timed_out_ ? Trial::End::kTimeout : Trial::End::kDied;
    trial_.reason = timed_out_ ? "not reached within timeouts.start" : fmt::format("its process {}", how);
  }
  return std::move(trial_);
}

void Rehearsal::tell(std::string_view line) {
  if (++lines_ <= kLinesMax) say_(fmt::format("app \"{}\" {}", app_.name, line));
}

void Rehearsal::tell_output(ipc::Stream stream, std::string_view line) {
  tell(fmt::format("{}: {}", ipc::to_string(stream), escape_controls(line)));
}

}  // namespace

Result<Trial> try_start(config::Config& config, std::size_t index, const Identity& identity, SignalEvents& signals,
                        const Say& say) {
  auto poller = Poller::create();
  if (!poller) return Failure(poller.error());
  Rehearsal rehearsal(config.apps[index], signals, say, std::move(*poller));
  if (auto begun = rehearsal.begin(config, identity); !begun) return Failure(begun.error());
  return rehearsal.watch();
}

}  // namespace forklift::cli
