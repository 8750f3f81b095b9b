#include "base/utf8.h"

#include <algorithm>

namespace forklift {

namespace {

bool is_continuation(unsigned char byte) {
  return (byte & 0xc0) == 0x80;
}

// Unicode's property Default_Ignorable_Code_Point (DerivedCoreProperties.txt, 15.0): nothing is seen of them. Those
// that turn the direction of text are among them.
constexpr struct {
  char32_t first, last;
} kInvisible[] = {
    {0x00ad, 0x00ad}, {0x034f, 0x034f}, {0x061c, 0x061c},   {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
    {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x206f},   {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0}, {0xfff0, 0xfff8}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

bool is_invisible(char32_t code) {
  return std::ranges::any_of(kInvisible,
                             [code](const auto& range) { return code >= range.first && code <= range.last; });
}

}  // namespace

Utf8 first_character(std::string_view text) {
  if (text.empty()) return {};
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  const std::size_t bytes = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (bytes == 0 || text.size() < bytes) return {};
  char32_t code = first & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if (!is_continuation(next)) return {};
    code = code << 6 | (next & 0x3f);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (overlong || surrogate || code > 0x10ffff) return {};
  return {code, bytes};
}

bool is_harmless(char32_t code) {
  if (code < 0x7f) return code >= 0x20;
  const auto within = [code](char32_t first, char32_t last) { return code >= first && code <= last; };
  const bool control = within(0x7f, 0x9f);
  const bool separator = within(0x2028, 0x2029);
  const bool noncharacter = within(0xfdd0, 0xfdef) || (code & 0xfffe) == 0xfffe;
  return !control && !separator && !noncharacter && !is_invisible(code);
}

std::size_t cut_at_character(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text.size();
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, bytes_max); ++back) {
    if (first_character(text.substr(bytes_max - back)).bytes > back) return bytes_max - back;
  }
  return bytes_max;
}

}  // namespace forklift
