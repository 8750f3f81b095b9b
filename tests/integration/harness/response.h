// What a client got, and how it ended: the difference between a whole answer and half of one is what many tests are
// about.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace harness {

enum class Outcome {
  kComplete,  // a whole response: all bytes of its Content-Length or its last chunk; without either, a clean end of
              // file
  kAborted,   // reset, or short of its Content-Length or its last chunk: a front server knows that something is missing
  kEmpty,     // a clean end of file without a byte
  kMalformed,  // not a response: a head that ended early, bytes behind the end; `problem` says what
  kTimeout,    // the test's deadline passed first
  kRefused,    // nobody listens
};

// How a connection ended for its reader.
enum class Ending { kEof, kReset, kTimeout };

std::ostream& operator<<(std::ostream& out, Outcome outcome);
std::ostream& operator<<(std::ostream& out, Ending ending);

struct Response {
  Outcome outcome = Outcome::kRefused;
  Ending ending = Ending::kEof;
  int status = 0;  // 0: no head has arrived
  std::string reason;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;              // empty where it went to a sink
  std::uint64_t body_bytes = 0;  // also of a body that went to a sink
  std::string raw_head;          // head and blank line as they came
  std::string problem;           // kMalformed

  bool complete(int expected_status) const { return outcome == Outcome::kComplete && status == expected_status; }

  // The value of a header; names are compared without case. nullopt if it is missing.
  std::optional<std::string> header(std::string_view name) const;
};

// For the messages of failed assertions: all but the body's bulk.
std::ostream& operator<<(std::ostream& out, const Response& response);

enum class Dialect {
  kScgi,  // a CGI header block; Status is optional
  kHttp,  // HTTP/1.1, without interim responses
};

using BodySink = std::function<void(std::string_view)>;

// Reads one response from bytes in any pieces.
class ResponseReader {
 public:
  // `method`: responses to HEAD have no body. With a `sink` the body goes there and is not kept.
  ResponseReader(Dialect dialect, std::string_view method, BodySink sink = {})
      : dialect_(dialect), is_head_(method == "HEAD"), sink_(std::move(sink)) {}

  void feed(std::string_view bytes);

  // To be called once, when the connection has ended.
  Response finish(Ending ending);

 private:
  enum class State { kHead, kUntilEnd, kCounted, kChunkSize, kChunkEnd, kTrailer, kDone };

  void take_head(std::string_view& bytes);
  void parse_head();
  void choose_body();
  void take_line(std::string_view& bytes);
  void end_line();
  void take_body(std::string_view bytes);
  void malformed(std::string problem);

  Dialect dialect_;
  bool is_head_;
  BodySink sink_;
  State state_ = State::kHead;
  bool chunked_ = false;
  std::uint64_t counted_ = 0;  // kCounted: bytes that are still to come, of the body or of the chunk
  std::string line_;           // kChunkSize, kChunkEnd, kTrailer: the line so far
  Response response_;
};

}  // namespace harness
