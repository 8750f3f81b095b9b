#include "cli/call_times.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/counted.h"

namespace forklift::cli {

namespace {

double milliseconds_of(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

std::string summarise(std::vector<Duration> times, std::size_t failed) {
  std::ranges::sort(times);
  const auto at = [&](std::size_t percent) { return milliseconds_of(times[(times.size() * percent + 99) / 100 - 1]); };
  const Duration sum = std::accumulate(times.begin(), times.end(), Duration::zero());
  const double seconds = std::max(std::chrono::duration<double>(sum).count(), 1e-9);
  return fmt::format("{}, {} failed: min {:.3f} ms, median {:.3f} ms, p99 {:.3f} ms, max {:.3f} ms; {:.0f} requests/s",
                     counted(times.size(), "request"), failed, milliseconds_of(times.front()), at(50), at(99),
                     milliseconds_of(times.back()), static_cast<double>(times.size()) / seconds);
}

}  // namespace forklift::cli
