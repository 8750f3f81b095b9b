// The header block of a program's output (RFC 3875, 6), from bytes in any pieces.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cgi {

// Output that is no page; one line for the log, with the program's bytes quoted.
class BadHead : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class HeadReader {
 public:
  // A block, its blank line included, has at most `bytes_max` bytes.
  explicit HeadReader(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Takes the bytes that belong to the block off the front of `bytes`: all of them, while it is not complete. BadHead
  // when the block becomes too long.
  void take(std::string_view& bytes);

  // Whether the blank line is there; LF and CRLF end a line alike.
  bool complete() const { return complete_; }
  // The block, as far as it has come.
  const std::string& block() const { return block_; }

 private:
  std::size_t bytes_max_;
  std::string block_;
  bool complete_ = false;
};

// What a complete block says that concerns more than the client. BadHead where it is none, or the beginning of an HTTP
// response, which only a program that talks to the client by itself (NPH, RFC 3875, 5) would write. All else is the
// host's to check: it gets the block as it is.
struct Head {
  // A path to answer instead (6.2.2: `Location: /path` and no Status). A Location with a scheme, or `//host/path`, is
  // the client's to follow.
  std::optional<std::string> local_redirection;
  bool has_page = true;  // not with 204 and 304, whatever is written
};
Head parse_head(std::string_view block);

}  // namespace cgi
