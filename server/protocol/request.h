// A request as the worker understands it, independent of the protocol that carried it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace forklift::protocol {

// A variable of the request. Both views are followed by a NUL byte and point into the head that was parsed, or into
// Request::merged.
struct Variable {
  std::string_view name;
  std::string_view value;
};

// How much of a name or a value a rejection shows, in bytes.
inline constexpr std::size_t kShownBytes = 80;

// Why a head was refused.
struct Rejection {
  int status = 400;    // 400, 413 or 431
  std::string reason;  // for the log: one line, bytes from outside quoted; never shown to the client
};

struct Request {
  std::vector<Variable> variables;  // in order of arrival; no name twice
  std::uint64_t content_length = 0;
  std::deque<std::string> merged;  // values that were joined from several; a deque, so that views into it stay valid

  // The value of `name`, compared byte by byte; nullptr if there is none.
  const Variable* find(std::string_view name) const;
  // REQUEST_METHOD and REQUEST_URI (where that is missing SCRIPT_NAME, or else PATH_INFO); empty if there is none.
  std::string_view method() const;
  std::string_view uri() const;

  // Adds a variable that has arrived: what every variable has to keep, whichever protocol carried it. Names are visible
  // ASCII without `=`; values of HTTP_* hold no CR and no LF. A repeated HTTP_* is joined to the first with ", "
  // (HTTP_COOKIE with "; "), for the front server may hand on a client's repeated header as two; every other
  // repetition, and that of HTTP_HOST, HTTP_AUTHORIZATION and HTTP_CONTENT_LENGTH, is refused: only one of them can be
  // true.
  tl::expected<void, Rejection> add(std::string_view name, std::string_view value);

  // Empties it and keeps its memory for the next request.
  void clear();

  // The names in an order that finds them, kept by add().
  struct IndexEntry {
    std::size_t variable;  // into `variables`
    std::size_t merged;    // 1 + the place in `merged`; 0 while the value is as it arrived
  };
  std::vector<IndexEntry> index;
};

struct RequestLimits {
  std::uint64_t body = 0;        // bytes; more is 413
  std::size_t variables = 1000;  // more is 431
};

// Parses one whole SCGI head (netstring: digits, colon, headers, comma), as kScgiFrame has delimited it. `head` must
// stay unchanged as long as `request` is used. On failure `request` holds nothing useful.
// - CONTENT_LENGTH may have leading zeros: the text asks for digits only, and Apache hands on what the client wrote.
// - Variables are counted as they arrive, before repeated ones are joined.
// - SCGI may stand anywhere: the text does not say where, and front servers send it second or last.
// Source: "SCGI: A Simple Common Gateway Interface alternative", protocol text of 2008. What front servers send beside
// it, and why that is taken, stands at Request::add and in scgi_request.cc.
tl::expected<void, Rejection> parse_scgi_head(std::string_view head, const RequestLimits& limits, Request& request);

}  // namespace forklift::protocol
