// Text that a plugin gives.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

namespace forklift::plugin {

// What stands in front of its NUL, or its first `bytes_max` bytes; empty where there is none.
inline std::string_view bounded(const char* text, std::size_t bytes_max) {
  return text == nullptr ? std::string_view() : std::string_view(text, ::strnlen(text, bytes_max));
}

}  // namespace forklift::plugin
