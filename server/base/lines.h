// Lines out of bytes that come in any pieces.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace forklift {

// Gives each line to a sink, without its newline, as soon as it is whole. A line of more than kPieceBytesMax comes in
// pieces of at most so many bytes, none of which splits a character: ` ...` behind a piece says that the line goes on,
// `... ` before one that it is the continuation. Where it is cut does not depend on how the bytes came.
//
// Holds memory only while a line has begun and not ended.
class LineAssembler {
 public:
  static constexpr std::size_t kPieceBytesMax = 64 * 1024;

  // The line lives as long as the call.
  using Sink = std::function<void(std::string_view line)>;

  void take(std::string_view bytes, const Sink& sink);

  // Nothing more will come: a line that has begun has ended.
  void finish(const Sink& sink);

 private:
  std::size_t take_line(std::string_view line, bool ended, const Sink& sink);

  std::string begun_;       // of the current line, what no sink has got yet
  bool continues_ = false;  // a sink has got the line's beginning
};

}  // namespace forklift
