// UTF-8 as Unicode has it (table 3-7 of the standard): no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace forklift {

// One character and how many bytes it has; 0 bytes where there is none.
struct Utf8 {
  char32_t code = 0;
  std::size_t bytes = 0;
};

// The character that `text` begins with; 0 bytes if it begins with none, or with only a part of one.
Utf8 first_character(std::string_view text);

// Whether a terminal, an editor and a reader's eye take the character for what it is. Not so are control characters
// (C0, DEL, C1), the separators of lines and paragraphs, what cannot be seen (byte order mark, zero-width space, what
// turns the direction of text), and noncharacters.
bool is_harmless(char32_t code);

// Where to cut `text` so that at most `bytes_max` bytes stay and no character is split.
std::size_t cut_at_character(std::string_view text, std::size_t bytes_max);

}  // namespace forklift
