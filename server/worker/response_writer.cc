#include "worker/response_writer.h"

#include <forklift/plugin.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/result.h"

namespace forklift::worker {

namespace {

// What is buffered before the first byte is sent. As long as a page fits, an error can still become a clean 500, and
// the page gets its Content-Length.
constexpr std::size_t kBufferBytes = 64 * 1024;

// Whether a read of all of it would find `length` bytes, as far as that can be said without reading them. False of what
// has no size, as files in /proc.
bool has_part(int file, std::uint64_t offset, std::uint64_t length) {
  struct stat status {};
  char byte = 0;
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (offset >= size || length > size - offset) return false;
  return ::pread(file, &byte, 1, static_cast<off_t>(offset)) ==
         1;  // false also of a descriptor that is not for reading
}

// A header block may be longer than any front server takes (nginx: 4 or 8 KiB), but not endless.
constexpr std::size_t kHeaderBlockMax = 64 * 1024;

}  // namespace

ResponseWriter::ResponseWriter(ClientSocket& socket, ipc::SharedPage& page, std::string_view method, PaceLimits limits,
                               BodyReader* body)
    : socket_(socket), page_(page), method_(method), body_(body), pace_(limits) {}

int ResponseWriter::fail(int error, std::string problem) {
  if (error_ != 0) return error_;
  error_ = error;
  problem_ = std::move(problem);
  return error_;
}

int ResponseWriter::begin(protocol::ResponseHead head) {
  if (error_ != 0) return error_;
  if (stage_ != Stage::kHead) return fail(FORKLIFT_EINVAL, "begin was called twice, or after the header block");
  if (!block_.empty()) return fail(FORKLIFT_EINVAL, "begin was called after write");
  if (auto good = protocol::check(head); !good) return fail(FORKLIFT_EINVAL, good.error());
  head.content_length = protocol::declared_length(head);
  return set_head(std::move(head));
}

int ResponseWriter::set_head(protocol::ResponseHead head) {
  head_ = std::move(head);
  if (head_.status == 204) protocol::remove_length(head_);
  drops_body_ = protocol::forbids_body(method_, head_.status);
  stage_ = Stage::kBody;
  return FORKLIFT_OK;
}

// Takes the bytes of a CGI header block from the front of `data`, until the block is complete.
int ResponseWriter::take_head(std::string_view& data) {
  const std::size_t before = block_.size();
  const std::size_t room = kHeaderBlockMax - before;
  block_.append(data.substr(0, room));
  const std::size_t end = protocol::find_block_end(block_, block_scanned_);
  if (end == std::string::npos) {
    if (data.size() > room) return fail(FORKLIFT_EINVAL, "the header block is over 64 KiB");
    block_scanned_ = block_.size();
    data = {};
    return FORKLIFT_OK;
  }
  data.remove_prefix(end - before);
  block_.resize(end);
  auto head = protocol::parse_cgi_head(block_);
  if (!head) return fail(FORKLIFT_EINVAL, head.error());
  return set_head(std::move(*head));
}

int ResponseWriter::account(std::uint64_t size) {
  body_bytes_ += size;
  if (!drops_body_ && head_.content_length && body_bytes_ > *head_.content_length) {
    return fail(FORKLIFT_EINVAL,
                fmt::format("the body is longer than its Content-Length of {}", *head_.content_length));
  }
  return FORKLIFT_OK;
}

int ResponseWriter::write(std::string_view data) {
  if (error_ != 0) return error_;
  if (stage_ == Stage::kHead && take_head(data) != 0) return error_;
  if (stage_ == Stage::kHead || data.empty()) return FORKLIFT_OK;
  if (account(data.size()) != 0) return error_;
  if (drops_body_) return FORKLIFT_OK;
  if (buffer_.size() + data.size() <= kBufferBytes) {
    buffer_.append(data);
    return FORKLIFT_OK;
  }
  return send(data, true);
}

std::int64_t ResponseWriter::try_write(std::string_view data) {
  if (error_ != 0) return error_;
  const std::size_t size = data.size();
  if (stage_ == Stage::kHead && take_head(data) != 0) return error_;
  if (stage_ == Stage::kHead || data.empty()) return static_cast<std::int64_t>(size);
  const std::size_t of_head = size - data.size();

  if (buffer_.size() + data.size() > kBufferBytes) {
    std::string_view none;
    if (const int result = send(none, false); result != 0 && result != FORKLIFT_EAGAIN) return result;
    drop_sent();
  }
  data = data.substr(0, kBufferBytes - std::min(kBufferBytes, buffer_.size()));
  const std::size_t taken = of_head + data.size();
  if (taken == 0) return FORKLIFT_EAGAIN;
  if (account(data.size()) != 0) return error_;
  if (!drops_body_) buffer_.append(data);
  return static_cast<std::int64_t>(taken);
}

int ResponseWriter::flush(bool wait) {
  if (error_ != 0) return error_;
  if (stage_ == Stage::kHead) return fail(FORKLIFT_EINVAL, "flush before the header block is complete");
  std::string_view none;
  return send(none, wait);
}

// sendfile(2) knows no MSG_DONTWAIT, and O_NONBLOCK would belong to the open file that the master shares: a client that
// stops reading would hold the worker in the kernel, beyond every deadline. So the file is read and sent like any other
// bytes.
int ResponseWriter::send_file(int file, std::uint64_t offset, std::uint64_t length) {
  if (error_ != 0) return error_;
  std::array<char, 64 * 1024> chunk;
  while (length > 0) {
    if (stage_ == Stage::kBody && drops_body_ && has_part(file, offset, length)) {
      socket_.note_progress();
      return account(length);
    }
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(length, chunk.size()));
    const ssize_t n = ::pread(file, chunk.data(), wanted, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(FORKLIFT_EIO, fmt::format("send_file: {}", describe_errno(errno)));
    if (n == 0) return fail(FORKLIFT_EIO, fmt::format("send_file: the file ends {} bytes early", length));
    if (const int result = write({chunk.data(), static_cast<std::size_t>(n)}); result != 0) return result;
    socket_.note_progress();
    offset += static_cast<std::uint64_t>(n);
    length -= static_cast<std::uint64_t>(n);
  }
  return FORKLIFT_OK;
}

void ResponseWriter::compose_head() {
  if (composed_done_) return;
  composed_done_ = true;
  protocol::write_scgi_head(head_, composed_);
  head_bytes_ = composed_.size();
}

// Whether a client that gets only a part of it can tell, however the connection ends.
bool ResponseWriter::shows_its_end() const {
  return is_all_here_ || drops_body_ || head_.content_length.has_value();
}

bool ResponseWriter::waits_for_body() const {
  return error_ == 0 && stage_ == Stage::kBody && !started_ && !shows_its_end() && body_ && !body_->can_reset();
}

int ResponseWriter::send(std::string_view& data, bool wait) {
  if (waits_for_body()) {
    const int result = body_->prepare_reset(wait);
    if (result == FORKLIFT_EAGAIN) return result;
    if (result != 0) return fail(result, "the body broke off before the response began");
  }
  compose_head();
  while (true) {
    const std::size_t from_head = std::min(sent_, composed_.size());
    const std::size_t from_buffer = sent_ - from_head;
    const iovec parts[] = {{composed_.data() + from_head, composed_.size() - from_head},
                           {buffer_.data() + from_buffer, buffer_.size() - from_buffer},
                           {const_cast<char*>(data.data()), data.size()}};
    const std::size_t own = parts[0].iov_len + parts[1].iov_len;
    if (own + data.size() == 0) {
      composed_.clear();
      buffer_.clear();
      sent_ = 0;
      return FORKLIFT_OK;
    }
    if (!started_) {
      started_ = true;
      page_.set_status(static_cast<unsigned>(head_.status));
      page_.set_response(ipc::ResponseState::kStarted);
    }
    const ssize_t n = socket_.send(parts);
    if (n > 0) {
      const auto sent = static_cast<std::size_t>(n);
      sent_ += std::min(sent, own);
      page_.count_sent(sent - std::min(sent, parts[0].iov_len));
      if (sent > own) data.remove_prefix(sent - own);
      taken_ += sent;
      pace_.note_progress();
      continue;
    }
    if (n != -EAGAIN) return fail(FORKLIFT_EGONE, "the client closed the connection");
    const TimePoint deadline = stall_deadline();
    if (Clock::now() >= deadline) {
      return fail(FORKLIFT_ETIMEOUT,
                  "the client has taken nothing of the response for timeouts.write, or is slower than "
                  "limits.body_rate");
    }
    if (!wait) return FORKLIFT_EAGAIN;
    // Whatever this says, it is tried again: poll(2) finds room in a Unix socket when three quarters of its buffer are
    // free, sendmsg(2) as soon as the client has taken some of it.
    socket_.wait(POLLOUT, deadline);
    note_waited();
  }
}

// Makes room in the buffer for as much as the connection has taken of it: where poll(2) says that it takes more,
// try_write() does too.
void ResponseWriter::drop_sent() {
  const std::size_t of_head = std::min(sent_, composed_.size());
  composed_.erase(0, of_head);
  buffer_.erase(0, sent_ - of_head);
  sent_ = 0;
}

int ResponseWriter::finish() {
  if (error_ != 0) return error_;
  if (stage_ == Stage::kHead) {
    return fail(FORKLIFT_EINVAL, block_.empty() ? "the plugin has written nothing"
                                                : "the response ends before its header block is complete");
  }
  if (!drops_body_ && head_.content_length && body_bytes_ != *head_.content_length) {
    return fail(FORKLIFT_EINVAL, fmt::format("the body has {} bytes and its Content-Length says {}", body_bytes_,
                                             *head_.content_length));
  }
  // To HEAD, a plugin may have answered with the page that GET would get, or with nothing; the length is known only of
  // the first.
  const bool has_length = head_.status != 204 && head_.status != 304 && !(drops_body_ && body_bytes_ == 0);
  if (!started_ && !head_.content_length && has_length) {
    head_.headers.emplace_back("Content-Length", std::to_string(body_bytes_));
  }
  is_all_here_ = true;
  std::string_view none;
  return send(none, true);
}

int ResponseWriter::replace(std::string_view response, int status) {
  head_ = {};
  head_.status = status;
  const std::size_t head_end = protocol::find_block_end(response);
  composed_ = response.substr(0, head_end);
  composed_done_ = is_all_here_ = true;
  buffer_ = protocol::forbids_body(method_, status) ? std::string_view{} : response.substr(head_end);
  sent_ = 0;
  error_ = 0;
  std::string_view none;
  return send(none, true);
}

bool ResponseWriter::has_room() const {
  return error_ != 0 || stage_ == Stage::kHead || buffer_.size() < kBufferBytes;
}

bool ResponseWriter::is_flushed() const {
  return error_ != 0 || stage_ == Stage::kHead || (composed_done_ && sent_ == composed_.size() + buffer_.size());
}

}  // namespace forklift::worker
