// The part of a document that is written by hand.
#pragma once

#include <string>
#include <string_view>

namespace forklift::describe {

// `form` with `text` in the place of the line `@KEYS@`.
inline std::string fill_in(std::string_view form, std::string_view text) {
  constexpr std::string_view kPlace = "@KEYS@\n";
  std::string filled(form);
  if (const std::size_t at = filled.find(kPlace); at != std::string::npos) filled.replace(at, kPlace.size(), text);
  return filled;
}

}  // namespace forklift::describe
