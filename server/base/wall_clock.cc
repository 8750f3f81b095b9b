#include "base/wall_clock.h"

#include <fmt/format.h>
#include <time.h>

#include <array>
#include <iterator>
#include <string_view>

namespace forklift {

namespace {

struct Parts {
  tm date{};
  int milliseconds = 0;
};

Parts parts_of(WallTime time) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  const auto whole = std::chrono::floor<seconds>(time);
  const time_t counted = std::chrono::system_clock::to_time_t(whole);
  Parts parts;
  ::gmtime_r(&counted, &parts.date);
  parts.milliseconds = static_cast<int>(std::chrono::floor<milliseconds>(time - whole).count());
  return parts;
}

}  // namespace

void append_iso_time(std::string& out, WallTime time) {
  const auto [date, fraction] = parts_of(time);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", date.tm_year + 1900,
                 date.tm_mon + 1, date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec, fraction);
}

void append_clf_time(std::string& out, WallTime time) {
  // Not those of the locale.
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const tm date = parts_of(time).date;
  fmt::format_to(std::back_inserter(out), "{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000", date.tm_mday,
                 kMonths.at(static_cast<std::size_t>(date.tm_mon)), date.tm_year + 1900, date.tm_hour, date.tm_min,
                 date.tm_sec);
}

}  // namespace forklift
