// forklift/testing/exchange.hpp - the tables that produce() gets, for one request; part of forklift/testing.hpp
#ifndef FORKLIFT_TESTING_EXCHANGE_HPP
#define FORKLIFT_TESTING_EXCHANGE_HPP

#include <forklift/plugin.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <forklift/testing/connection.hpp>
#include <forklift/testing/request.hpp>
#include <forklift/testing/response.hpp>
#include <forklift/testing/writer.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace forklift {
namespace testing {
namespace detail {

// Everything that ends with produce() is in memory of its own and is freed with this object: AddressSanitizer sees who
// keeps a pointer to it.
class Exchange {
 public:
  Exchange(const Request& request, Response& response)
      : response_(response),
        reader_(request.client()),
        writer_(request, reader_, response),
        env_(new EnvTable(request.variables())),
        body_(new Body{}),
        out_(new Out{}) {
    body_->version = FORKLIFT_VERSION_OF(forklift_body);
    body_->length = reader_.length();
    body_->read = [](forklift_body* body, void* buffer, std::size_t size) { return read(body, buffer, size, true); };
    body_->try_read = [](forklift_body* body, void* buffer, std::size_t size) {
      return read(body, buffer, size, false);
    };
    body_->self = this;
    out_->version = FORKLIFT_VERSION_OF(forklift_out);
    out_->begin = begin;
    out_->write = write;
    out_->try_write = try_write;
    out_->flush = [](forklift_out* out) { return flush(out, "flush", true); };
    out_->try_flush = [](forklift_out* out) { return flush(out, "try_flush", false); };
    out_->send_file = send_file;
    out_->wait = wait;
    out_->alive = [](forklift_out* out) { self(out).response_.calls.emplace_back("alive"); };
    out_->fail = [](forklift_out* out, const char* message) {
      if (message != nullptr) self(out).response_.reason.assign(message, ::strnlen(message, kReasonMax));
    };
    out_->self = this;
    if (request.failure() != FORKLIFT_OK) writer_.fail(request.failure(), "an earlier call had failed");
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const forklift_env* env() const { return env_.get(); }
  forklift_body* body() const { return body_.get(); }
  forklift_out* out() const { return out_.get(); }
  BodyReader& reader() { return reader_; }
  Writer& writer() { return writer_; }
  bool told_gone() const { return told_gone_; }

  // produce() has returned: what it was given is no more.
  void free_tables() {
    env_.reset();
    body_.reset();
    out_.reset();
  }

 private:
  struct Body : forklift_body {
    Exchange* self;
  };
  struct Out : forklift_out {
    Exchange* self;
  };
  static constexpr std::size_t kReasonMax = 1000;
  static constexpr std::size_t kPollsMax = 64;
  static constexpr unsigned kForRoom = FORKLIFT_WAIT_OUT | FORKLIFT_WAIT_SENT;
  static constexpr unsigned kInterests = FORKLIFT_WAIT_BODY | kForRoom | FORKLIFT_WAIT_GONE;
  // A server's timeouts.request, by default.
  static constexpr std::chrono::seconds kRequestTimeout{60};

  static Exchange& self(forklift_out* out) { return *static_cast<Out*>(out)->self; }

  // NULL, or more than any object has: the -1 of a read(2) that the plugin has not looked at.
  static bool is_wrong(const void* data, std::size_t size) {
    return (data == nullptr && size > 0) || size > static_cast<std::size_t>(PTRDIFF_MAX);
  }

  static std::int64_t read(forklift_body* body, void* buffer, std::size_t size, bool wait) {
    Exchange& exchange = *static_cast<Body*>(body)->self;
    if (is_wrong(buffer, size)) {
      const std::string call = wait ? "read" : "try_read";
      return exchange.writer_.fail(FORKLIFT_EINVAL, call + ": buffer is NULL, or its size no size");
    }
    return exchange.reader_.read(buffer, size, wait);
  }

  static int begin(forklift_out* out, int status, const forklift_header* headers, std::size_t count) {
    Exchange& exchange = self(out);
    exchange.response_.calls.push_back("begin " + std::to_string(status));
    Head head;
    head.status = status;
    if (headers == nullptr && count > 0) return exchange.writer_.fail(FORKLIFT_EINVAL, "begin: headers is NULL");
    if (count > kHeadersMax) return exchange.writer_.fail(FORKLIFT_EINVAL, too_many_headers(count));
    for (std::size_t i = 0; i < count; ++i) {
      if (headers[i].name == nullptr || headers[i].value == nullptr) {
        return exchange.writer_.fail(FORKLIFT_EINVAL, "begin: a header is NULL");
      }
      head.headers.emplace_back(headers[i].name, headers[i].value);
    }
    return exchange.writer_.begin(std::move(head));
  }

  static int write(forklift_out* out, const void* data, std::size_t size) {
    Writer& writer = self(out).writer_;
    if (is_wrong(data, size)) return writer.fail(FORKLIFT_EINVAL, "write: data is NULL, or its size no size");
    return writer.write({static_cast<const char*>(data), size});
  }

  static std::int64_t try_write(forklift_out* out, const void* data, std::size_t size) {
    Writer& writer = self(out).writer_;
    if (is_wrong(data, size)) return writer.fail(FORKLIFT_EINVAL, "try_write: data is NULL, or its size no size");
    return writer.try_write({static_cast<const char*>(data), size});
  }

  static int flush(forklift_out* out, const char* call, bool wait) {
    Exchange& exchange = self(out);
    exchange.response_.calls.emplace_back(call);
    ++exchange.response_.flushes;
    return exchange.writer_.flush(wait);
  }

  static int send_file(forklift_out* out, int fd, std::uint64_t offset, std::uint64_t length) {
    Exchange& exchange = self(out);
    exchange.response_.calls.push_back("send_file " + std::to_string(offset) + " " + std::to_string(length));
    return exchange.writer_.send_file(fd, offset, length);
  }

  static int wait(forklift_out* out, unsigned interest, forklift_poll* polls, std::size_t count, int timeout_ms) {
    Exchange& exchange = self(out);
    exchange.response_.calls.push_back("wait " + std::to_string(interest) + " " + std::to_string(count) + " " +
                                       std::to_string(timeout_ms));
    if (count > kPollsMax || (count > 0 && polls == nullptr)) {
      return exchange.writer_.fail(FORKLIFT_EINVAL, "wait: more than 64 descriptors, or none where some were promised");
    }
    if ((interest & ~kInterests) != 0) {
      return exchange.writer_.fail(FORKLIFT_EINVAL, "wait: an interest that this server does not know");
    }
    return exchange.wait_for(interest, polls, count, timeout_ms);
  }

  int wait_for(unsigned interest, forklift_poll* polls, std::size_t count, int timeout_ms) {
    const bool wants_body = (interest & FORKLIFT_WAIT_BODY) != 0;
    const bool wants_room = (interest & kForRoom) != 0;
    int ready = ready_now(interest);
    const bool polled = poll_for(polls, count, Clock::now());
    if (ready != 0 || polled) return ready;

    // What is on its way comes, though too late for who does not wait.
    const bool comes = (wants_body && reader_.will_arrive()) || (wants_room && !writer_.outlet().stands_still());
    if (comes) {
      if (wants_body && reader_.will_arrive()) reader_.arrive();
      if (wants_room) writer_.outlet().make_room();
      return timeout_ms == 0 ? 0 : ready_now(interest);
    }

    // The client does nothing more: either the plugin's descriptors are ready, or a time is up.
    const Deadline own = timeout_ms < 0 ? Deadline() : Clock::now() + std::chrono::milliseconds(timeout_ms);
    const Deadline body = wants_body ? Deadline(reader_.stall_deadline()) : Deadline();
    const Deadline room = wants_room ? Deadline(writer_.outlet().stall_deadline()) : Deadline();
    Deadline until = earlier(own, earlier(body, room));
    const bool nothing_else = !own && std::all_of(polls, polls + count, [](const auto& poll) { return poll.fd < 0; });
    const Deadline bound = Clock::now() + kRequestTimeout;
    if (!nothing_else && poll_for(polls, count, earlier(until, bound))) return 0;
    if (own && until == own) return 0;
    if (body && until == body) return reader_.fail(FORKLIFT_ETIMEOUT), FORKLIFT_ETIMEOUT;
    if (room && until == room) return writer_.time_out();
    return writer_.fail(FORKLIFT_ETIMEOUT,
                        "wait: nothing of what it waits for can happen; in the server, timeouts.request would end the "
                        "worker");
  }

  // As poll(2) of the connection finds it.
  int ready_now(unsigned interest) {
    unsigned ready = 0;
    if (reader_.is_ready()) ready |= FORKLIFT_WAIT_BODY;
    if (writer_.has_room()) ready |= FORKLIFT_WAIT_OUT;
    if (writer_.is_flushed()) ready |= FORKLIFT_WAIT_SENT;
    if (writer_.outlet().has_room()) ready |= kForRoom;
    if (writer_.is_gone()) ready |= kForRoom | FORKLIFT_WAIT_BODY;
    ready &= interest & ~static_cast<unsigned>(FORKLIFT_WAIT_GONE);
    if (writer_.is_gone()) ready |= FORKLIFT_WAIT_GONE;
    told_gone_ = told_gone_ || writer_.is_gone();
    return static_cast<int>(ready);
  }

  static Deadline earlier(Deadline a, Deadline b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
  }

  // True when one of the descriptors is ready, which is also said in `polls`.
  static bool poll_for(forklift_poll* polls, std::size_t count, Deadline until) {
    std::vector<pollfd> entries(count);
    for (std::size_t i = 0; i < count; ++i) entries[i] = {polls[i].fd, polls[i].events, 0};
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now()).count();
      const int timeout = static_cast<int>(std::clamp<long long>(left, 0, 24LL * 3600 * 1000));
      const int n = ::poll(entries.data(), static_cast<nfds_t>(count), timeout);
      for (std::size_t i = 0; i < count; ++i) polls[i].revents = n > 0 ? entries[i].revents : short{0};
      if (n > 0) return true;
      if (has_passed(until)) return false;
    }
  }

  Response& response_;
  BodyReader reader_;
  Writer writer_;
  std::unique_ptr<EnvTable> env_;
  std::unique_ptr<Body> body_;
  std::unique_ptr<Out> out_;
  bool told_gone_ = false;
};

}  // namespace detail
}  // namespace testing
}  // namespace forklift

#endif  // FORKLIFT_TESTING_EXCHANGE_HPP
