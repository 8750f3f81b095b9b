#include "worker/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <new>

namespace forklift::worker {

namespace {

constexpr std::size_t kReasonMax = 1000;
constexpr std::size_t kPollsMax = 64;
// What a connection that takes more bytes makes ready.
constexpr unsigned kForRoom = FORKLIFT_WAIT_OUT | FORKLIFT_WAIT_SENT;
constexpr unsigned kInterests = FORKLIFT_WAIT_BODY | kForRoom | FORKLIFT_WAIT_GONE;

// No C++ exception crosses the boundary to the plugin. The host's own can only be that memory ran out; then a part of
// the response may be counted and not stored, so that nothing more of it may follow. (The text is short enough to need
// no memory.)
template <typename Function>
auto guarded(ResponseWriter& writer, Function function) -> decltype(function()) {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    return writer.fail(FORKLIFT_ENOMEM, "no memory left");
  }
}

const char* get_variable(const forklift_env* env, const char* name, size_t* size, const protocol::Request& request) {
  (void)env;
  const protocol::Variable* found = name ? request.find(name) : nullptr;
  if (size) *size = found ? found->value.size() : 0;
  return found ? found->value.data() : nullptr;
}

std::string_view bytes(const void* data, size_t size) {
  return {static_cast<const char*>(data), size};
}

// NULL, or more than any object has: the -1 of a read(2) that the plugin has not looked at.
bool is_wrong(const void* data, size_t size) {
  return (!data && size > 0) || size > PTRDIFF_MAX;
}

}  // namespace

Exchange::Exchange(const protocol::Request& request, ClientSocket& socket, BodyReader& body, ResponseWriter& out)
    : socket_(socket), reader_(body), writer_(out) {
  variables_.reserve(request.variables.size());
  for (const auto& v : request.variables) {
    variables_.push_back({v.name.data(), v.name.size(), v.value.data(), v.value.size()});
  }
  env_.version = FORKLIFT_VERSION_OF(forklift_env);
  env_.count = variables_.size();
  env_.variables = variables_.data();
  env_.request = &request;
  env_.get = [](const forklift_env* env, const char* name, size_t* size) {
    return get_variable(env, name, size, *static_cast<const Env*>(env)->request);
  };

  body_.version = FORKLIFT_VERSION_OF(forklift_body);
  body_.length = body.length();
  body_.exchange = this;
  body_.read = [](forklift_body* b, void* buffer, size_t size) { return read(b, buffer, size, true); };
  body_.try_read = [](forklift_body* b, void* buffer, size_t size) { return read(b, buffer, size, false); };

  out_.version = FORKLIFT_VERSION_OF(forklift_out);
  out_.exchange = this;
  out_.begin = &Exchange::begin;
  out_.write = &Exchange::write;
  out_.try_write = &Exchange::try_write;
  out_.flush = &Exchange::flush;
  out_.try_flush = &Exchange::try_flush;
  out_.send_file = &Exchange::send_file;
  out_.wait = &Exchange::wait;
  out_.alive = &Exchange::alive;
  out_.fail = &Exchange::fail;
}

int64_t Exchange::read(forklift_body* body, void* buffer, size_t size, bool wait) {
  Exchange& exchange = *static_cast<Body*>(body)->exchange;
  const int64_t count = guarded(exchange.writer_, [&]() -> int64_t {
    if (is_wrong(buffer, size)) {
      return exchange.writer_.fail(FORKLIFT_EINVAL,
                                   fmt::format("{}: buffer is NULL, or its size no size", wait ? "read" : "try_read"));
    }
    return exchange.reader_.read(buffer, size, wait);
  });
  if (count == FORKLIFT_ENOMEM) exchange.reader_.fail(FORKLIFT_ENOMEM);
  if (count > 0) exchange.socket_.note_progress();
  return count;
}

int Exchange::begin(forklift_out* out, int status, const forklift_header* headers, size_t count) {
  return guarded(writer_of(out), [&]() -> int {
    ResponseWriter& writer = writer_of(out);
    protocol::ResponseHead head;
    head.status = status;
    if (!headers && count > 0) return writer.fail(FORKLIFT_EINVAL, "begin: headers is NULL");
    // Before one is read: no array is as long as a size that is none says.
    if (count > protocol::kMaxResponseHeaders) {
      return writer.fail(FORKLIFT_EINVAL, fmt::format("the response has {} headers: more than {}", count,
                                                      protocol::kMaxResponseHeaders));
    }
    for (size_t i = 0; i < count; ++i) {
      if (!headers[i].name || !headers[i].value) return writer.fail(FORKLIFT_EINVAL, "begin: a header is NULL");
      head.headers.emplace_back(headers[i].name, headers[i].value);
    }
    return writer.begin(std::move(head));
  });
}

int Exchange::write(forklift_out* out, const void* data, size_t size) {
  return guarded(writer_of(out), [&]() -> int {
    ResponseWriter& writer = writer_of(out);
    if (is_wrong(data, size)) return writer.fail(FORKLIFT_EINVAL, "write: data is NULL, or its size no size");
    const int result = writer.write(bytes(data, size));
    if (result == 0 && size > 0) alive(out);
    return result;
  });
}

int64_t Exchange::try_write(forklift_out* out, const void* data, size_t size) {
  return guarded(writer_of(out), [&]() -> int64_t {
    ResponseWriter& writer = writer_of(out);
    if (is_wrong(data, size)) return writer.fail(FORKLIFT_EINVAL, "try_write: data is NULL, or its size no size");
    const int64_t taken = writer.try_write(bytes(data, size));
    if (taken > 0) alive(out);
    return taken;
  });
}

int Exchange::flush(forklift_out* out) {
  return guarded(writer_of(out), [&]() -> int { return writer_of(out).flush(); });
}

int Exchange::try_flush(forklift_out* out) {
  return guarded(writer_of(out), [&]() -> int { return writer_of(out).flush(false); });
}

int Exchange::send_file(forklift_out* out, int fd, uint64_t offset, uint64_t length) {
  return guarded(writer_of(out), [&]() -> int { return writer_of(out).send_file(fd, offset, length); });
}

void Exchange::alive(forklift_out* out) {
  static_cast<Out*>(out)->exchange->socket_.note_progress();
}

void Exchange::fail(forklift_out* out, const char* message) {
  guarded(writer_of(out), [&]() -> int {
    if (message) static_cast<Out*>(out)->exchange->reason_.assign(message, ::strnlen(message, kReasonMax));
    return 0;
  });
}

int Exchange::wait(forklift_out* out, unsigned interest, forklift_poll* polls, size_t count, int timeout_ms) {
  return guarded(writer_of(out), [&]() -> int {
    return static_cast<Out*>(out)->exchange->wait_for(interest, polls, count, timeout_ms);
  });
}

int Exchange::wait_for(unsigned interest, forklift_poll* polls, size_t count, int timeout_ms) {
  if (count > kPollsMax || (count > 0 && !polls)) {
    return writer_.fail(FORKLIFT_EINVAL, "wait: more than 64 descriptors, or none where some were promised");
  }
  if ((interest & ~kInterests) != 0) {
    return writer_.fail(FORKLIFT_EINVAL, "wait: an interest that this server does not know");
  }
  int ready = 0;
  if ((interest & FORKLIFT_WAIT_BODY) && reader_.is_ready()) ready |= FORKLIFT_WAIT_BODY;
  if ((interest & FORKLIFT_WAIT_OUT) && writer_.has_room()) ready |= FORKLIFT_WAIT_OUT;
  if ((interest & FORKLIFT_WAIT_SENT) && writer_.is_flushed()) ready |= FORKLIFT_WAIT_SENT;

  std::array<pollfd, kPollsMax + 1> entries;
  entries[0] = {socket_.fd(), 0, 0};
  // Until the response may begin, its room is a byte of the body.
  const bool body_is_room = writer_.waits_for_body();
  if ((interest & FORKLIFT_WAIT_BODY) || ((interest & kForRoom) && body_is_room)) entries[0].events |= POLLIN;
  if ((interest & kForRoom) && !body_is_room) entries[0].events |= POLLOUT;
  if (socket_.half_close_is_abort()) entries[0].events |= POLLRDHUP;
  for (size_t i = 0; i < count; ++i) entries[i + 1] = {polls[i].fd, polls[i].events, 0};

  const TimePoint now = Clock::now();
  const TimePoint own = timeout_ms < 0 ? kNever : now + milliseconds(timeout_ms);
  // Only where something is missing: to ask for the deadline begins the client's time.
  const unsigned missing = interest & ~static_cast<unsigned>(ready);
  const bool room_is_body = (missing & kForRoom) != 0 && body_is_room;
  const bool waits_for_body = (missing & FORKLIFT_WAIT_BODY) != 0 || room_is_body;
  const bool waits_for_room = (missing & kForRoom) != 0 && !body_is_room;
  const TimePoint body = missing & FORKLIFT_WAIT_BODY ? reader_.stall_deadline() : kNever;
  const TimePoint out = !(missing & kForRoom) ? kNever
                        : room_is_body        ? reader_.stall_deadline()
                                              : writer_.stall_deadline();
  const TimePoint until = ready != 0 ? now : std::min({own, body, out});
  // A wait that has its answer already waits for nobody: a plugin that spins on it makes no progress.
  const bool for_client = ready == 0 && (interest & (FORKLIFT_WAIT_BODY | kForRoom)) != 0;
  const bool may_end_early = count > 0 || timeout_ms >= 0;
  // Not where the response is about to begin.
  if ((missing & FORKLIFT_WAIT_BODY) && !(missing & kForRoom) && ready == 0) reader_.make_room(may_end_early);

  while (true) {
    const int n = socket_.poll_with({entries.data(), count + 1}, until,
                                    for_client ? ipc::Activity::kClient : ipc::Activity::kPlugin);
    if (waits_for_body) reader_.note_waited();
    if (waits_for_room) writer_.note_waited();
    short events = n > 0 ? entries[0].revents : short{0};
    if ((events & POLLIN) && !reader_.has_arrived()) events &= static_cast<short>(~POLLIN);
    if (n > 0) {
      if (events & (POLLIN | POLLHUP | POLLERR)) ready |= static_cast<int>(interest & FORKLIFT_WAIT_BODY);
      const auto room = static_cast<short>(body_is_room ? POLLIN : POLLOUT);
      if (events & (room | POLLHUP | POLLERR)) ready |= static_cast<int>(interest & kForRoom);
      if (events & (POLLHUP | POLLERR | POLLRDHUP)) ready |= FORKLIFT_WAIT_GONE;
    }
    for (size_t i = 0; i < count; ++i) polls[i].revents = entries[i + 1].revents;
    const bool polled = std::any_of(polls, polls + count, [](const auto& poll) { return poll.revents != 0; });
    told_gone_ = told_gone_ || (ready & FORKLIFT_WAIT_GONE) != 0;
    if (polled || ready != 0) return ready;
    if (Clock::now() >= until) return until == own ? 0 : wait_expired(interest, body, out);
  }
}

// The client made no progress for its timeout: the same end as that of a read or a write that waited.
int Exchange::wait_expired(unsigned interest, TimePoint body_deadline, TimePoint out_deadline) {
  if ((interest & FORKLIFT_WAIT_BODY) && body_deadline <= out_deadline) {
    reader_.fail(FORKLIFT_ETIMEOUT);
    return FORKLIFT_ETIMEOUT;
  }
  // There may be room all the same: see ResponseWriter::send().
  const int result = writer_.flush(false);
  return result == FORKLIFT_EAGAIN ? FORKLIFT_OK : result;
}

}  // namespace forklift::worker
