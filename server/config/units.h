// Numbers with units, as they are written in YAML. All of them are digits only (no sign, no leading zero, no blank) and
// checked for overflow; the error quotes the text and says how to write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace forklift::config {

// `4096`
Result<std::uint64_t> parse_count(std::string_view text);

// `512`, `64K`, `16M`, `1G`: bytes, in powers of 1024.
Result<std::uint64_t> parse_size(std::string_view text);

// `10%`: a whole number of hundredths.
Result<std::uint64_t> parse_percent(std::string_view text);

// `250ms`, `30s`, `5m`, `1h`, and `0` with or without a unit. At most a year, so that a deadline cannot overflow.
Result<Duration> parse_duration(std::string_view text);

// The size as a person would have written it: 65536 is `64K`.
std::string format_size(std::uint64_t bytes);

// The same for a duration: 60000 ms is `1m`.
std::string format_duration(Duration duration);

// A limit of setrlimit(2), for messages: `1024`, or `unlimited`.
std::string format_limit(std::uint64_t limit);

}  // namespace forklift::config
