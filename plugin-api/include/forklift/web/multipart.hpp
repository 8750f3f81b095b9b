// forklift/web/multipart.hpp - the bytes of a multipart/form-data body, RFC 7578 on top of RFC 2046; part of
// forklift/web.hpp
//
// Most plugins want read_form() of form.hpp. This is the parser below it, which is fed a body in pieces of any size and
// calls a handler; it holds one part's head and nothing else, however large the body is.
//
// It is strict wherever two readers of the same bytes could see different forms, and what it does not take is a
// Refusal 400:
//   - lines end with CRLF, and a bare LF begins no boundary;
//   - behind a boundary come blanks and CRLF, or "--": a line that only begins like the boundary is refused;
//   - a body that ends before its last boundary ("--boundary--") is no form;
//   - a part has one Content-Disposition, `form-data`, with one name, and at most one Content-Type;
//   - headers are not folded over several lines;
//   - Content-Transfer-Encoding says what is so anyway (7bit, 8bit, binary), and no part is a multipart itself:
//     RFC 7578 deprecates both (4.3, 4.7), and a file would be stored as it is not meant.
// What stands before the first and behind the last boundary is skipped (RFC 2046, 5.1.1). `filename*` is ignored (RFC
// 7578, 4.2).
#ifndef FORKLIFT_WEB_MULTIPART_HPP
#define FORKLIFT_WEB_MULTIPART_HPP

#include <algorithm>
#include <cstddef>
#include <forklift/web/detail/text.hpp>
#include <forklift/web/refusal.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace forklift {
inline namespace api {
namespace web {

// The head of a part. All of it is what the client says, in whatever bytes it likes but NUL, CR and LF. Browsers write
// `"`, CR and LF in names as %22, %0D and %0A, and % as itself; that is left as it came, since it cannot be told apart.
struct Part {
  std::string name;                     // of the form's field
  std::optional<std::string> filename;  // of a file, also an empty one: no file was chosen; nothing for a text field
  std::string content_type;             // as it was sent; "text/plain" where it was not (RFC 7578, 4.4)
};

// What MultipartParser tells: begin, data any number of times, end; and so for each part. What it throws passes through
// feed().
class MultipartHandler {
 public:
  virtual ~MultipartHandler() = default;
  virtual void begin(const Part& part) = 0;
  virtual void data(std::string_view piece) = 0;  // not empty; lives during the call
  virtual void end() = 0;
};

class MultipartParser {
 public:
  // `content_type`: the request's. Refusal 415 if it is not multipart/form-data, 400 without a proper boundary.
  // `head_bytes`: the most that a part's headers may have; 413 beyond. The handler has to outlive the parser.
  MultipartParser(std::string_view content_type, std::size_t head_bytes, MultipartHandler& handler)
      : delimiter_("\r\n--" + boundary_of(content_type)), head_bytes_(head_bytes), handler_(handler) {}

  // The next piece of the body. After a Refusal the parser is of no more use.
  void feed(std::string_view piece) {
    while (!piece.empty()) {
      switch (state_) {
        case State::kPreamble:
        case State::kData: search(piece); break;
        case State::kBehindDelimiter: take_delimiter_end(piece); break;
        case State::kHead: take_head(piece); break;
        case State::kEpilogue: return;
      }
    }
  }

  // The body has ended.
  void finish() const {
    std::string_view line = line_;  // the last one need not end
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const bool is_closed = state_ == State::kEpilogue || (state_ == State::kBehindDelimiter && is_close(line));
    if (!is_closed) throw Refusal(400, "the form ends before its last boundary");
  }

 private:
  enum class State {
    kPreamble,         // before the first delimiter
    kBehindDelimiter,  // its line is not over
    kHead,             // a part's headers
    kData,             // a part's content
    kEpilogue          // behind the last delimiter
  };
  static constexpr std::size_t kMostPadding = 64;

  // RFC 2046, 5.1.1.
  static std::string boundary_of(std::string_view content_type) {
    const auto type = detail::parse_parameterized(content_type);
    if (!type || type->value != "multipart/form-data") throw Refusal(415, "the body is not multipart/form-data");
    const std::string* boundary = type->find("boundary");
    const auto may_be_in_it = [](char c) {
      return detail::is_letter(c) || detail::is_digit(c) || detail::is_one_of(c, "'()+_,-./:=? ");
    };
    if (boundary == nullptr || boundary->empty() || boundary->size() > 70 || boundary->back() == ' ' ||
        !std::all_of(boundary->begin(), boundary->end(), may_be_in_it)) {
      throw Refusal(400, "the form has no proper boundary");
    }
    return *boundary;
  }

  // Only a delimiter's first byte is a CR. So the search never has to go back: where a match breaks off, the bytes that
  // had matched are content, and the next match can begin with the byte that was not the expected one at the earliest.
  void search(std::string_view& piece) {
    if (matched_ > 0) {  // a match that began at the end of the piece before
      const std::string_view expected = std::string_view(delimiter_).substr(matched_);
      const auto differing = std::mismatch(
          piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(std::min(piece.size(), expected.size())),
          expected.begin());
      const auto common = static_cast<std::size_t>(differing.first - piece.begin());
      piece.remove_prefix(common);
      matched_ += common;
      if (matched_ == delimiter_.size()) return end_part();
      if (piece.empty()) return;
      give(std::string_view(delimiter_).substr(implied_, matched_ - implied_));
      matched_ = implied_ = 0;
    }
    const std::size_t found = piece.find(delimiter_);
    if (found != piece.npos) {
      give(piece.substr(0, found));
      piece.remove_prefix(found + delimiter_.size());
      return end_part();
    }
    const std::size_t last = piece.rfind('\r');
    const std::string_view tail = last == piece.npos ? std::string_view() : piece.substr(last);
    const bool may_go_on = !tail.empty() && std::string_view(delimiter_).substr(0, tail.size()) == tail;
    matched_ = may_go_on ? tail.size() : 0;
    give(piece.substr(0, piece.size() - matched_));
    piece = {};
  }

  void give(std::string_view content) {
    if (state_ == State::kData && !content.empty()) handler_.data(content);
  }

  // The CRLF of the line before belongs to a delimiter that follows at once: at the beginning of the body, and in a
  // part without content.
  void search_from_line_start(State state) {
    state_ = state;
    matched_ = implied_ = 2;
  }

  void end_part() {
    if (state_ == State::kData) handler_.end();
    matched_ = implied_ = 0;
    line_.clear();
    state_ = State::kBehindDelimiter;
  }

  // `--` and blanks.
  static bool is_close(std::string_view line) {
    return line.substr(0, 2) == "--" && detail::trimmed(line.substr(2)).empty();
  }

  void take_delimiter_end(std::string_view& piece) {
    while (!piece.empty()) {
      line_.push_back(piece.front());
      piece.remove_prefix(1);
      if (line_.back() == '\n') break;
      if (line_.size() > kMostPadding) throw Refusal(400, "a boundary of the form is followed by something else");
    }
    if (line_.back() != '\n') return;
    const std::string_view line = line_;
    const bool ends = line.size() >= 2 && line[line.size() - 2] == '\r';
    const std::string_view text = line.substr(0, line.size() - std::min<std::size_t>(line.size(), 2));
    if (ends && is_close(text)) {
      state_ = State::kEpilogue;
    } else if (ends && detail::trimmed(text).empty()) {
      line_.clear();
      head_size_ = 0;
      part_ = {};
      has_disposition_ = has_type_ = has_encoding_ = false;
      state_ = State::kHead;
    } else {
      throw Refusal(400, "a boundary of the form is followed by something else");
    }
  }

  void take_head(std::string_view& piece) {
    while (!piece.empty() && state_ == State::kHead) {
      line_.push_back(piece.front());
      piece.remove_prefix(1);
      if (++head_size_ > head_bytes_)
        throw Refusal(413, "the headers of a part of the form are longer than this page takes");
      if (line_.back() != '\n') continue;
      if (line_.size() < 2 || line_[line_.size() - 2] != '\r')
        throw Refusal(400, "a header of a part of the form ends without a CR");
      line_.resize(line_.size() - 2);
      if (line_.empty()) {
        begin_part();
      } else {
        take_header(line_);
      }
      line_.clear();
    }
  }

  void begin_part() {
    if (!has_disposition_) throw Refusal(400, "a part of the form has no Content-Disposition");
    if (!has_type_) part_.content_type = "text/plain";
    search_from_line_start(State::kData);
    handler_.begin(part_);
  }

  void take_header(std::string_view line) {
    std::string_view value = line;
    const std::string_view name = detail::take_until(value, ':');
    value = detail::trimmed(value);
    const auto is_bad = [](char c) { return detail::is_control(c) && c != '\t'; };
    if (name.size() == line.size() || !detail::is_token(name) || std::any_of(value.begin(), value.end(), is_bad)) {
      throw Refusal(400, "a header of a part of the form is malformed");
    }
    if (detail::same_without_case(name, "Content-Disposition")) {
      once(has_disposition_);
      take_disposition(value);
    } else if (detail::same_without_case(name, "Content-Type")) {
      once(has_type_);
      if (detail::same_without_case(value.substr(0, 10), "multipart/")) {
        throw Refusal(400, "a part of the form has parts");
      }
      part_.content_type = value;
    } else if (detail::same_without_case(name, "Content-Transfer-Encoding")) {
      once(has_encoding_);
      const std::string encoding = detail::lowered(value);
      if (encoding != "7bit" && encoding != "8bit" && encoding != "binary") {
        throw Refusal(400, "a part of the form has a Content-Transfer-Encoding");
      }
    }
  }

  static void once(bool& has) {
    if (std::exchange(has, true)) throw Refusal(400, "a part of the form has a header twice");
  }

  void take_disposition(std::string_view value) {
    const auto disposition = detail::parse_parameterized(value);
    const std::string* name = disposition ? disposition->find("name") : nullptr;
    if (name == nullptr || disposition->value != "form-data") {
      throw Refusal(400, "a part of the form has a malformed Content-Disposition");
    }
    part_.name = *name;
    if (const std::string* filename = disposition->find("filename")) part_.filename = *filename;
  }

  const std::string delimiter_;  // CRLF, "--", boundary
  const std::size_t head_bytes_;
  MultipartHandler& handler_;

  State state_ = State::kPreamble;
  std::size_t matched_ = 2;    // kPreamble, kData: bytes of the delimiter that the last bytes were
  std::size_t implied_ = 2;    // how many of them are not content, whatever follows
  std::string line_;           // kBehindDelimiter, kHead: the line so far
  std::size_t head_size_ = 0;  // kHead
  Part part_;
  bool has_disposition_ = false;
  bool has_type_ = false;
  bool has_encoding_ = false;
};

}  // namespace web
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_WEB_MULTIPART_HPP
