// What a fuzz target says when it has found a fault.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "base/quote.h"

namespace forklift::fuzz {

// Throws where `holds` is false: libFuzzer takes an exception for a crash and keeps the input, and the replay of the
// corpus fails with it.
inline void require(bool holds, std::string_view what) {
  if (!holds) throw std::logic_error(std::string(what));
}

// A reason is for a line of the log: bytes from outside must not end it, nor drive a terminal.
inline void require_reason(std::string_view reason) {
  require(!reason.empty(), "there is no reason");
  require(reason == escape_controls(reason), "a reason has bytes that are not to be shown as they are");
}

}  // namespace forklift::fuzz
