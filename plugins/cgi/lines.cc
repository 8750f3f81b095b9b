#include "lines.h"

#include <algorithm>

namespace cgi {
namespace {

// Of a piece, escaped. The rest of the 8000 is for what stands in front of it.
constexpr std::size_t kPieceBytes = 7000;
constexpr std::size_t kEscapedBytes = 4;  // \x1b

std::size_t escaped_bytes(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte >= 0x7f ? kEscapedBytes : 1;
}

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// How much of `line` makes a piece. Characters of UTF-8 stay whole.
std::size_t piece_of(std::string_view line) {
  std::size_t cost = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    cost += escaped_bytes(line[i]);
    if (cost <= kPieceBytes) continue;
    std::size_t end = i;
    while (end > 0 && i - end < 4 && continues_character(line[end])) --end;
    return continues_character(line[end]) ? i : end;
  }
  return line.size();
}

}  // namespace

void Lines::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    line_.append(bytes.substr(0, end));
    const bool is_whole = end < bytes.size();
    bytes.remove_prefix(std::min(end + 1, bytes.size()));

    std::string_view rest = line_;
    for (std::size_t piece = piece_of(rest); piece < rest.size(); piece = piece_of(rest)) {
      end_piece(rest.substr(0, piece), false);
      rest.remove_prefix(piece);
    }
    if (is_whole) {
      end_piece(rest, true);
      rest = {};
    }
    line_ = std::string(rest);
  }
}

void Lines::finish() {
  if (!line_.empty() || continued_) end_piece(line_, true);
  line_.clear();
}

void Lines::end_piece(std::string_view piece, bool is_last) {
  if (is_last && piece.ends_with('\r')) piece.remove_suffix(1);
  write_(std::string(continued_ ? "... " : "").append(piece).append(is_last ? "" : " ..."));
  continued_ = !is_last;
}

}  // namespace cgi
