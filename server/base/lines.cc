#include "base/lines.h"

#include <utility>

#include "base/utf8.h"

namespace forklift {

namespace {

// A character that begins as the last byte of a piece has at most three more: only when they are here is it known
// whether the piece ends before it.
constexpr std::size_t kLookahead = 3;

}  // namespace

void LineAssembler::take(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const bool ended = newline != bytes.npos;
    const std::string_view text = bytes.substr(0, newline);
    bytes.remove_prefix(ended ? newline + 1 : bytes.size());
    if (begun_.empty()) {
      // The usual case, and the reason why nothing is copied: the line is whole.
      const std::size_t given = take_line(text, ended, sink);
      begun_.assign(text.substr(given));
    } else {
      begun_ += text;
      begun_.erase(0, take_line(begun_, ended, sink));
    }
    if (begun_.empty()) std::exchange(begun_, {});
  }
}

void LineAssembler::finish(const Sink& sink) {
  if (!begun_.empty()) take_line(begun_, true, sink);
  std::exchange(begun_, {});
}

// Gives away what can be given of the current line, and returns how many bytes that was: all if it has ended.
std::size_t LineAssembler::take_line(std::string_view line, bool ended, const Sink& sink) {
  const std::size_t whole = line.size();
  const std::size_t held_max = ended ? kPieceBytesMax : kPieceBytesMax + kLookahead - 1;
  while (line.size() > held_max) {
    const std::size_t cut = cut_at_character(line, kPieceBytesMax);
    std::string piece(continues_ ? "... " : "");
    piece += line.substr(0, cut);
    piece += " ...";
    sink(piece);
    line.remove_prefix(cut);
    continues_ = true;
  }
  if (!ended) return whole - line.size();
  sink(std::exchange(continues_, false) ? "... " + std::string(line) : line);
  return whole;
}

}  // namespace forklift
