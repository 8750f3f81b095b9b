#include "config/units.h"

#include <sys/resource.h>

#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "base/quote.h"

namespace forklift::config {

namespace {

constexpr std::pair<std::string_view, std::uint64_t> kSizeUnits[] = {
    {"", 1}, {"K", std::uint64_t{1} << 10}, {"M", std::uint64_t{1} << 20}, {"G", std::uint64_t{1} << 30}};

constexpr std::pair<std::string_view, Duration> kDurationUnits[] = {
    {"ms", milliseconds(1)}, {"s", seconds(1)}, {"m", std::chrono::minutes(1)}, {"h", std::chrono::hours(1)}};

constexpr auto kDurationMax = std::chrono::hours(365 * 24);

// Digits and what follows them.
struct Quantity {
  std::uint64_t number = 0;
  bool too_large = false;
  std::string_view unit;
};

std::optional<Quantity> split(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || (digits > 1 && text[0] == '0')) return std::nullopt;
  Quantity quantity;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, quantity.number);
  quantity.too_large = error != std::errc();
  quantity.unit = text.substr(digits);
  return quantity;
}

}  // namespace

Result<std::uint64_t> parse_count(std::string_view text) {
  const auto quantity = split(text);
  if (!quantity || !quantity->unit.empty()) {
    return fail("{} is not a number; write digits, without a leading zero", quote(text, 60));
  }
  if (quantity->too_large) return fail("{} is too large", quote(text, 60));
  return quantity->number;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  if (const auto quantity = split(text)) {
    for (const auto& [unit, bytes] : kSizeUnits) {
      if (quantity->unit != unit) continue;
      if (quantity->too_large || quantity->number > std::numeric_limits<std::uint64_t>::max() / bytes) {
        return fail("{} is too large", quote(text, 60));
      }
      return quantity->number * bytes;
    }
  }
  return fail("{} is not a size; write 512, 64K, 16M or 1G", quote(text, 60));
}

Result<std::uint64_t> parse_percent(std::string_view text) {
  const auto quantity = split(text);
  if (!quantity || quantity->unit != "%") return fail("{} is not a percentage; write 10%", quote(text, 60));
  if (quantity->too_large) return fail("{} is too large", quote(text, 60));
  return quantity->number;
}

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration::zero();
  if (const auto quantity = split(text)) {
    for (const auto& [unit, length] : kDurationUnits) {
      if (quantity->unit != unit) continue;
      if (quantity->too_large || quantity->number > static_cast<std::uint64_t>(kDurationMax / length)) {
        return fail("{} is too long; at most {}h", quote(text, 60), kDurationMax.count());
      }
      return static_cast<Duration::rep>(quantity->number) * length;
    }
  }
  return fail("{} is not a duration; write 250ms, 30s, 5m or 1h", quote(text, 60));
}

std::string format_size(std::uint64_t bytes) {
  std::string shown = fmt::format("{}", bytes);
  for (const auto& [unit, factor] : kSizeUnits) {
    if (bytes >= factor && bytes % factor == 0) shown = fmt::format("{}{}", bytes / factor, unit);
  }
  return shown;
}

std::string format_duration(Duration duration) {
  std::string shown = "0";
  for (const auto& [unit, length] : kDurationUnits) {
    if (duration >= length && duration % length == Duration::zero())
      shown = fmt::format("{}{}", duration / length, unit);
  }
  return shown;
}

std::string format_limit(std::uint64_t limit) {
  return limit == RLIM_INFINITY ? "unlimited" : std::to_string(limit);
}

}  // namespace forklift::config
