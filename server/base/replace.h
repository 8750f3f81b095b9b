// Text in text.
#pragma once

#include <string>
#include <string_view>

namespace forklift {

// Puts `to` wherever `from`, which is not empty, stands; what it puts there is not looked at again.
inline void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace forklift
