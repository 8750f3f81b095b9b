// forklift/testing/writer.hpp - the response on its way, by the server's rules; part of forklift/testing.hpp
#ifndef FORKLIFT_TESTING_WRITER_HPP
#define FORKLIFT_TESTING_WRITER_HPP

#include <forklift/plugin.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <forklift/testing/connection.hpp>
#include <forklift/testing/head.hpp>
#include <forklift/testing/phrases.hpp>
#include <forklift/testing/response.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forklift {
namespace testing {
namespace detail {

class Writer {
 public:
  // All outlive the writer. What is sent goes to `response`, its body to `sink` where there is one.
  Writer(const Request& request, const BodyReader& body, Response& response)
      : method_(request.variable("REQUEST_METHOD")),
        sink_(request.sink()),
        body_(body),
        outlet_(request.client()),
        response_(response) {}

  int begin(Head head) {
    if (error_ != FORKLIFT_OK) return error_;
    if (has_head_) return fail(FORKLIFT_EINVAL, "begin was called twice, or after the header block");
    if (!block_.empty()) return fail(FORKLIFT_EINVAL, "begin was called after write");
    if (std::string problem = problem_of(head); !problem.empty()) return fail(FORKLIFT_EINVAL, std::move(problem));
    head.content_length = declared_length(head);
    set_head(std::move(head));
    return FORKLIFT_OK;
  }

  int write(std::string_view data) {
    if (error_ != FORKLIFT_OK) return error_;
    if (!has_head_ && take_head(data) != FORKLIFT_OK) return error_;
    if (!has_head_ || data.empty()) return FORKLIFT_OK;
    if (account(data) != FORKLIFT_OK) return error_;
    if (buffer_.size() + data.size() <= kBufferBytes) {
      buffer_ += data;
      return FORKLIFT_OK;
    }
    return send(data, true);
  }

  std::int64_t try_write(std::string_view data) {
    if (error_ != FORKLIFT_OK) return error_;
    const std::size_t size = data.size();
    if (!has_head_ && take_head(data) != FORKLIFT_OK) return error_;
    if (!has_head_ || data.empty()) return static_cast<std::int64_t>(size);
    const std::size_t of_head = size - data.size();
    if (buffer_.size() + data.size() > kBufferBytes) {
      std::string_view none;
      const int result = send(none, false);
      if (result != FORKLIFT_OK && result != FORKLIFT_EAGAIN) return result;
      drop_sent();
    }
    data = data.substr(0, kBufferBytes - std::min(kBufferBytes, buffer_.size()));
    const std::size_t taken = of_head + data.size();
    if (taken == 0) return FORKLIFT_EAGAIN;
    if (account(data) != FORKLIFT_OK) return error_;
    buffer_ += data;
    return static_cast<std::int64_t>(taken);
  }

  int flush(bool wait) {
    if (error_ != FORKLIFT_OK) return error_;
    if (!has_head_) return fail(FORKLIFT_EINVAL, "flush before the header block is complete");
    std::string_view none;
    return send(none, wait);
  }

  int send_file(int file, std::uint64_t offset, std::uint64_t length) {
    if (error_ != FORKLIFT_OK) return error_;
    std::vector<char> chunk(static_cast<std::size_t>(std::min<std::uint64_t>(length, kBufferBytes)));
    while (length > 0) {
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(length, chunk.size()));
      const ssize_t n = ::pread(file, chunk.data(), wanted, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(FORKLIFT_EIO, std::string("send_file: ") + std::strerror(errno));
      if (n == 0) {
        return fail(FORKLIFT_EIO, "send_file: the file ends " + std::to_string(length) + " bytes early");
      }
      const auto count = static_cast<std::size_t>(n);
      if (const int result = write({chunk.data(), count}); result != FORKLIFT_OK) return result;
      offset += count;
      length -= count;
    }
    return FORKLIFT_OK;
  }

  // Behind produce(): sends all that is left.
  int finish() {
    if (error_ != FORKLIFT_OK) return error_;
    if (!has_head_) {
      return fail(FORKLIFT_EINVAL, block_.empty() ? "the plugin has written nothing"
                                                  : "the response ends before its header block is complete");
    }
    if (!drops_body_ && head_.content_length && body_bytes_ != *head_.content_length) {
      return fail(FORKLIFT_EINVAL, "the body has " + std::to_string(body_bytes_) +
                                       " bytes and its Content-Length says " + std::to_string(*head_.content_length));
    }
    const bool has_length = head_.status != 204 && head_.status != 304 && !(drops_body_ && body_bytes_ == 0);
    if (!started_ && !head_.content_length && has_length) {
      head_.headers.emplace_back("Content-Length", std::to_string(body_bytes_));
    }
    std::string_view none;
    return send(none, true);
  }

  // Only before anything was sent: a page of the server's own.
  int replace(int status) {
    const std::string page = std::to_string(status) + " " + std::string(reason_phrase(status)) + "\n";
    head_ = Head();
    head_.status = status;
    head_.headers = {{"Content-Type", "text/plain"}, {"Content-Length", std::to_string(page.size())}};
    buffer_ = forbids_body(method_, status) ? std::string() : page;
    composed_.clear();
    is_composed_ = false;
    sent_ = 0;
    error_ = FORKLIFT_OK;
    std::string_view none;
    return send(none, true);
  }

  // The first error stays.
  int fail(int error, std::string problem) {
    if (error_ != FORKLIFT_OK) return error_;
    error_ = error;
    problem_ = std::move(problem);
    return error_;
  }

  bool started() const { return started_; }
  int error() const { return error_; }
  const std::string& problem() const { return problem_; }
  std::size_t head_bytes() const { return head_bytes_; }
  Outlet& outlet() { return outlet_; }

  // Nobody is there who could receive anything.
  bool is_gone() const { return outlet_.has_left() || body_.is_gone(); }
  bool has_room() const { return error_ != FORKLIFT_OK || !has_head_ || buffer_.size() < kBufferBytes; }
  bool is_flushed() const {
    return error_ != FORKLIFT_OK || !has_head_ || (is_composed_ && sent_ == composed_.size() + buffer_.size());
  }
  int time_out() {
    return fail(FORKLIFT_ETIMEOUT,
                "the client has taken nothing of the response for timeouts.write, or is slower than limits.body_rate");
  }

 private:
  static constexpr std::size_t kBufferBytes = 64 * 1024;
  static constexpr std::size_t kHeaderBlockMax = 64 * 1024;

  void set_head(Head head) {
    head_ = std::move(head);
    if (head_.status == 204) {
      const auto is_length = [](const auto& each) { return same_name(each.first, "Content-Length"); };
      head_.headers.erase(std::remove_if(head_.headers.begin(), head_.headers.end(), is_length), head_.headers.end());
      head_.content_length.reset();
    }
    drops_body_ = forbids_body(method_, head_.status);
    has_head_ = true;
  }

  // Takes the bytes of a CGI header block from the front of `data`, until the block is complete.
  int take_head(std::string_view& data) {
    const std::size_t before = block_.size();
    const std::size_t room = kHeaderBlockMax - before;
    block_ += data.substr(0, room);
    const std::size_t end = find_block_end(block_, scanned_);
    if (end == std::string::npos) {
      if (data.size() > room) return fail(FORKLIFT_EINVAL, "the header block is over 64 KiB");
      scanned_ = block_.size();
      data = {};
      return FORKLIFT_OK;
    }
    data.remove_prefix(end - before);
    block_.resize(end);
    Head head;
    if (std::string problem = parse_block(block_, head); !problem.empty()) {
      return fail(FORKLIFT_EINVAL, std::move(problem));
    }
    set_head(std::move(head));
    return FORKLIFT_OK;
  }

  // Counts `data` as body. Empties it where there is to be none.
  int account(std::string_view& data) {
    body_bytes_ += data.size();
    if (!drops_body_ && head_.content_length && body_bytes_ > *head_.content_length) {
      return fail(FORKLIFT_EINVAL,
                  "the body is longer than its Content-Length of " + std::to_string(*head_.content_length));
    }
    if (drops_body_) data = {};
    return FORKLIFT_OK;
  }

  void compose_head() {
    if (std::exchange(is_composed_, true)) return;
    if (head_.phrase.empty()) head_.phrase = reason_phrase(head_.status);
    composed_ = "Status: " + std::to_string(head_.status) + " " + head_.phrase + "\r\n";
    for (const auto& each : head_.headers) composed_.append(each.first).append(": ").append(each.second).append("\r\n");
    composed_ += "\r\n";
    head_bytes_ = composed_.size();
  }

  // Head, buffer and `data`, in this order; what was sent of `data` is cut off its front.
  int send(std::string_view& data, bool wait) {
    compose_head();
    while (true) {
      const std::size_t from_head = std::min(sent_, composed_.size());
      const std::string_view head = std::string_view(composed_).substr(from_head);
      const std::string_view buffer = std::string_view(buffer_).substr(sent_ - from_head);
      const std::size_t own = head.size() + buffer.size();
      if (own + data.size() == 0) {
        composed_.clear();
        buffer_.clear();
        sent_ = 0;
        return FORKLIFT_OK;
      }
      started_ = true;
      if (is_gone()) return fail(FORKLIFT_EGONE, "the client closed the connection");
      if (const std::size_t n = outlet_.take(own + data.size()); n > 0) {
        std::size_t left = n;
        deliver_head(take(head, left));
        deliver_body(take(buffer, left));
        deliver_body(take(data, left));
        sent_ += std::min(n, own);
        data.remove_prefix(n - std::min(n, own));
        continue;
      }
      if (outlet_.stands_still()) {
        // Nothing else can happen while write() waits.
        if (wait || has_passed(outlet_.stall_deadline())) return time_out();
        return FORKLIFT_EAGAIN;
      }
      outlet_.make_room();
      if (!wait) return FORKLIFT_EAGAIN;
    }
  }

  static std::string_view take(std::string_view from, std::size_t& left) {
    const std::string_view part = from.substr(0, left);
    left -= part.size();
    return part;
  }

  void drop_sent() {
    const std::size_t of_head = std::min(sent_, composed_.size());
    composed_.erase(0, of_head);
    buffer_.erase(0, sent_ - of_head);
    sent_ = 0;
  }

  void deliver_head(std::string_view bytes) {
    head_delivered_ += bytes.size();
    if (bytes.empty() || head_delivered_ < head_bytes_) return;
    response_.status = head_.status;
    response_.phrase = head_.phrase;
    response_.headers = head_.headers;
  }
  void deliver_body(std::string_view bytes) {
    if (bytes.empty()) return;
    if (sink_) {
      sink_(bytes);
    } else {
      response_.body += bytes;
    }
  }

  const std::string_view method_;
  const std::function<void(std::string_view)>& sink_;
  const BodyReader& body_;
  Outlet outlet_;
  Response& response_;

  bool has_head_ = false;
  std::string block_;  // the CGI header block as far as it has come
  std::size_t scanned_ = 0;
  Head head_;
  bool drops_body_ = false;       // HEAD, 204, 304
  std::uint64_t body_bytes_ = 0;  // written by the plugin
  std::string composed_;          // the head as it is sent
  bool is_composed_ = false;
  std::size_t head_bytes_ = 0;
  std::size_t head_delivered_ = 0;
  std::string buffer_;    // body that waits to be sent
  std::size_t sent_ = 0;  // of composed_ and buffer_
  bool started_ = false;
  int error_ = FORKLIFT_OK;
  std::string problem_;
};

}  // namespace detail
}  // namespace testing
}  // namespace forklift

#endif  // FORKLIFT_TESTING_WRITER_HPP
