// What a program writes to its standard error, as lines for the log.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace cgi {

class Lines {
 public:
  // `write` gets each line without its end. One that is longer than the host takes (8000 bytes, escaped) comes in
  // pieces: all but the last end with " ...", all but the first begin with "... ".
  explicit Lines(std::function<void(std::string_view)> write) : write_(std::move(write)) {}

  void feed(std::string_view bytes);
  // The last line may have no end.
  void finish();

 private:
  void end_piece(std::string_view piece, bool is_last);

  std::function<void(std::string_view)> write_;
  std::string line_;
  bool continued_ = false;
};

}  // namespace cgi
