// forklift/response.hpp - the response to a request; part of forklift/plugin.hpp
#ifndef FORKLIFT_RESPONSE_HPP
#define FORKLIFT_RESPONSE_HPP

#include <forklift/plugin.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <forklift/error.hpp>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace forklift {
inline namespace api {

// A header of a response. Need only live during Out::begin().
struct Header {
  std::string_view name;
  std::string_view value;
};

// The response: begin() and then write(), or write() alone with a CGI header block in front.
class Out {
 public:
  explicit Out(forklift_out* raw) : raw_(raw) {}
  Out(const Out&) = delete;
  Out& operator=(const Out&) = delete;

  void begin(int status) { begin(status, nullptr, 0); }
  void begin(int status, std::initializer_list<Header> headers) { begin(status, headers.begin(), headers.size()); }
  void begin(int status, const std::vector<Header>& headers) { begin(status, headers.data(), headers.size()); }
  void begin(int status, const Header* headers, std::size_t count) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) size += headers[i].name.size() + headers[i].value.size() + 2;
    std::string text;
    text.reserve(size);  // so that it doesn't move while pointers into it are collected
    const auto terminated = [&text](std::string_view part) {
      if (part.find('\0') != std::string_view::npos) throw Error(FORKLIFT_EINVAL, "a response header with a NUL in it");
      const std::size_t start = text.size();
      text.append(part).push_back('\0');
      return text.data() + start;
    };
    std::vector<forklift_header> raw(count);
    for (std::size_t i = 0; i < count; ++i) raw[i] = {terminated(headers[i].name), terminated(headers[i].value)};
    detail::checked(raw_->begin(raw_, status, raw.data(), count), "beginning the response");
  }

  // Writes all of it, waiting for the client where necessary.
  void write(std::string_view text) { write(text.data(), text.size()); }
  void write(const void* data, std::size_t size) {
    detail::checked(raw_->write(raw_, data, size), "writing the response");
  }

  // As the C function: how many bytes were taken, or FORKLIFT_E...; FORKLIFT_EAGAIN where write() would wait.
  std::int64_t try_write(std::string_view text) noexcept { return raw_->try_write(raw_, text.data(), text.size()); }

  // Sends what is buffered. From then on an error can only be a reset.
  void flush() { detail::checked(raw_->flush(raw_), "flushing the response"); }

  // As the C function: 0 when nothing is buffered any more, or FORKLIFT_E...; FORKLIFT_EAGAIN where flush() would wait.
  int try_flush() noexcept { return raw_->try_flush(raw_); }

  // Says that produce() gets on although it neither reads nor writes: timeouts.request begins anew.
  void alive() noexcept { raw_->alive(raw_); }

  // Writes `length` bytes of the file `fd`, from `offset` on.
  void send_file(int fd, std::uint64_t offset, std::uint64_t length) {
    detail::checked(raw_->send_file(raw_, fd, offset, length), "sending a file");
  }

  // Waits for FORKLIFT_WAIT_BODY, FORKLIFT_WAIT_OUT and FORKLIFT_WAIT_SENT as asked, for the client to be gone, for
  // descriptors of the plugin's own, and at most for `timeout` (negative: no limit). Returns the FORKLIFT_WAIT_ bits
  // that are ready.
  static constexpr std::chrono::milliseconds kNoLimit{-1};
  unsigned wait(unsigned interest, std::chrono::milliseconds timeout = kNoLimit) {
    return wait(interest, nullptr, 0, timeout);
  }
  unsigned wait(unsigned interest, forklift_poll* polls, std::size_t count,
                std::chrono::milliseconds timeout = kNoLimit) {
    using Limits = std::numeric_limits<int>;
    const auto ms = std::min<std::int64_t>(timeout.count() < 0 ? -1 : timeout.count(), Limits::max());
    return static_cast<unsigned>(
        detail::checked(raw_->wait(raw_, interest, polls, count, static_cast<int>(ms)), "waiting for the client"));
  }

  forklift_out* raw() const { return raw_; }

 private:
  forklift_out* raw_;
};

}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_RESPONSE_HPP
