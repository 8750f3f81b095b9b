#include "harness/response.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <ostream>

#include "base/quote.h"

namespace harness {
namespace {

using forklift::quote;

// The whole of `text` as a number; nullopt if it is none.
template <typename Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Where the head ends: behind its blank line; npos while that is missing.
std::size_t head_end(std::string_view bytes) {
  const auto crlf = bytes.find("\r\n\r\n");
  const auto lf = bytes.find("\n\n");
  if (lf < crlf) return lf + 2;
  return crlf == bytes.npos ? crlf : crlf + 4;
}

// Takes the first line off `text`, without its end.
std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, Outcome outcome) {
  switch (outcome) {
    case Outcome::kComplete: return out << "complete";
    case Outcome::kAborted: return out << "aborted";
    case Outcome::kEmpty: return out << "empty";
    case Outcome::kMalformed: return out << "malformed";
    case Outcome::kTimeout: return out << "timeout";
    case Outcome::kRefused: return out << "refused";
  }
  return out << "?";
}

std::ostream& operator<<(std::ostream& out, Ending ending) {
  switch (ending) {
    case Ending::kEof: return out << "end of file";
    case Ending::kReset: return out << "reset";
    case Ending::kTimeout: return out << "timeout";
  }
  return out << "?";
}

std::ostream& operator<<(std::ostream& out, const Response& response) {
  out << response.outcome << ", ended by " << response.ending;
  if (!response.problem.empty()) out << " (" << response.problem << ")";
  return out << ", status " << response.status << ", head " << quote(response.raw_head, 1000) << ", "
             << response.body_bytes << " bytes of body " << quote(response.body);
}

std::optional<std::string> Response::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && strncasecmp(key.data(), name.data(), name.size()) == 0) return value;
  }
  return std::nullopt;
}

void ResponseReader::feed(std::string_view bytes) {
  while (!bytes.empty() && response_.problem.empty()) {
    switch (state_) {
      case State::kHead: take_head(bytes); break;
      case State::kUntilEnd: take_body(bytes); return;
      case State::kCounted: {
        const std::size_t count = std::min<std::uint64_t>(bytes.size(), counted_);
        take_body(bytes.substr(0, count));
        bytes.remove_prefix(count);
        counted_ -= count;
        if (counted_ == 0) state_ = chunked_ ? State::kChunkEnd : State::kDone;
        break;
      }
      case State::kChunkSize:
      case State::kChunkEnd:
      case State::kTrailer: take_line(bytes); break;
      case State::kDone: malformed(fmt::format("behind the end: {}", quote(bytes))); break;
    }
  }
}

Response ResponseReader::finish(Ending ending) {
  const bool nothing_came = response_.raw_head.empty();
  response_.ending = ending;
  if (state_ == State::kHead && !nothing_came && ending == Ending::kEof) malformed("the head ended early");

  if (!response_.problem.empty()) {
    response_.outcome = Outcome::kMalformed;
  } else if (state_ == State::kDone && ending != Ending::kTimeout) {
    response_.outcome = Outcome::kComplete;
  } else if (ending == Ending::kTimeout) {
    response_.outcome = Outcome::kTimeout;
  } else if (ending == Ending::kEof && nothing_came) {
    response_.outcome = Outcome::kEmpty;
  } else if (ending == Ending::kEof && state_ == State::kUntilEnd) {
    response_.outcome = Outcome::kComplete;
  } else {
    response_.outcome = Outcome::kAborted;
  }
  return std::move(response_);
}

void ResponseReader::take_head(std::string_view& bytes) {
  const std::size_t before = response_.raw_head.size();
  response_.raw_head += bytes;
  const std::size_t end = head_end(response_.raw_head);
  if (end == std::string::npos) {
    bytes = {};
    return;
  }
  response_.raw_head.resize(end);
  bytes.remove_prefix(end - before);
  parse_head();
  if (response_.problem.empty()) choose_body();
}

void ResponseReader::parse_head() {
  std::string_view text = response_.raw_head;
  std::string_view status = "200 OK";
  if (dialect_ == Dialect::kHttp) {
    const std::string_view line = next_line(text);
    if (!line.starts_with("HTTP/1.1 ")) return malformed(fmt::format("status line {}", quote(line)));
    status = line.substr(9);
  }
  for (std::string_view line = next_line(text); !line.empty(); line = next_line(text)) {
    const auto colon = line.find(':');
    if (colon == line.npos || colon == 0) return malformed(fmt::format("header line {}", quote(line)));
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    if (dialect_ == Dialect::kScgi && line.substr(0, colon) == "Status") status = value;
    response_.headers.emplace_back(line.substr(0, colon), value);
  }
  const auto number = parse_number<int>(status.substr(0, 3));
  if (!number || *number < 200 || *number > 599) return malformed(fmt::format("status {}", quote(status)));
  response_.status = *number;
  response_.reason = status.substr(std::min<std::size_t>(status.size(), 4));
}

void ResponseReader::choose_body() {
  const auto length = response_.header("Content-Length");
  if (length) {
    const auto number = parse_number<std::uint64_t>(*length);
    if (!number) return malformed(fmt::format("Content-Length {}", quote(*length)));
    counted_ = *number;
  }
  chunked_ = dialect_ == Dialect::kHttp && response_.header("Transfer-Encoding") == "chunked";
  if (is_head_ || response_.status == 204 || response_.status == 304 || (length && counted_ == 0)) {
    state_ = State::kDone;
  } else if (chunked_) {
    state_ = State::kChunkSize;
  } else {
    state_ = length ? State::kCounted : State::kUntilEnd;
  }
}

void ResponseReader::take_line(std::string_view& bytes) {
  const auto end = bytes.find('\n');
  line_ += bytes.substr(0, end);
  bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
  if (end != bytes.npos || line_.size() > 8192) end_line();
}

void ResponseReader::end_line() {
  std::string_view line = line_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (state_ == State::kChunkSize) {
    const auto size = parse_number<std::uint64_t>(line, 16);
    if (!size) return malformed(fmt::format("chunk size {}", quote(line)));
    counted_ = *size;
    state_ = *size == 0 ? State::kTrailer : State::kCounted;
  } else if (!line.empty()) {
    return malformed(fmt::format("behind a chunk: {}", quote(line)));
  } else {
    state_ = state_ == State::kTrailer ? State::kDone : State::kChunkSize;
  }
  line_.clear();
}

void ResponseReader::take_body(std::string_view bytes) {
  response_.body_bytes += bytes.size();
  if (sink_) {
    sink_(bytes);
  } else {
    response_.body += bytes;
  }
}

void ResponseReader::malformed(std::string problem) {
  response_.problem = std::move(problem);
}

}  // namespace harness
