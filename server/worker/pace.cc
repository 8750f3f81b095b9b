#include "worker/pace.h"

#include <algorithm>
#include <utility>

namespace forklift::worker {

namespace {

// A year: far from where the sum of times would overflow, however many the bytes and however low the rate.
constexpr std::uint64_t kLongestSeconds = 365 * 24 * 3600;

// A plugin that looks for more so soon again polls, which is a way to wait.
constexpr Duration kPollsAgain = milliseconds(100);

}  // namespace

TimePoint Pace::deadline(std::uint64_t bytes) {
  if (limits_.timeout == Duration::zero()) return kNever;
  if (stalled_since_ == kNever) stalled_since_ = looked_ = Clock::now();
  note_look();
  const TimePoint progress = stalled_since_ + limits_.timeout;
  if (limits_.rate == 0) return progress;
  const auto earned = seconds(std::min<std::uint64_t>(bytes / limits_.rate, kLongestSeconds));
  return std::min(progress, looked_ + (limits_.timeout + earned - waited_));
}

void Pace::note_waited() {
  if (stalled_since_ == kNever) return;  // there is no timeout
  const TimePoint now = Clock::now();
  waited_ += now - std::exchange(looked_, now);
}

void Pace::note_progress() {
  if (stalled_since_ != kNever) note_look();
  stalled_since_ = kNever;
}

void Pace::note_look() {
  const TimePoint now = Clock::now();
  if (now - looked_ <= kPollsAgain) waited_ += now - looked_;
  looked_ = now;
}

}  // namespace forklift::worker
