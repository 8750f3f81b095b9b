#include "worker/serve.h"

#include <cxxabi.h>
#include <unistd.h>

#include <exception>

#include "base/log.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "protocol/frame.h"
#include "worker/exchange.h"
#include "worker/handover.h"

namespace forklift::worker {

namespace {

// nginx's buffer for it is a page of memory by default: 4 KiB, or 8 on some machines. It answers 502 to a longer one.
constexpr std::size_t kLongHeadBytes = 4096;

// As much of a method as is shown: it stands without quotes, and could pass for a message of ours.
constexpr std::size_t kMethodBytesMax = 32;

// This process was forked by the plugin, and has left the plugin's function like its parent, for instance behind an
// exec(3) that has failed. The request is the parent's.
[[noreturn]] void end_fork(std::string_view function) {
  log::error("a process that the plugin has forked has returned from {}; it ends here", function);
  ::_exit(1);
}

ipc::RequestWords words_of(const protocol::Request& request) {
  const auto value = [&](std::string_view name) {
    const protocol::Variable* found = request.find(name);
    return found ? found->value : std::string_view{};
  };
  return {.method = request.method(),
          .uri = request.uri(),
          .remote_addr = value("REMOTE_ADDR"),
          .remote_user = value("REMOTE_USER"),
          .protocol = value("SERVER_PROTOCOL"),
          .referer = value("HTTP_REFERER"),
          .user_agent = value("HTTP_USER_AGENT")};
}

// Calls the plugin and returns what it says, or, where an exception leaves its `function`, that. (no_sanitize: a forced
// unwinding carries no exception object, which the sanitizer takes for a null reference; noinline: the caller would not
// say so.)
template <typename Call>
__attribute__((noinline, no_sanitize("null"))) auto without_exceptions(std::string_view function, const Call& call)
    -> decltype(call()) {
  try {
    return call();
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread is being cancelled: not an exception to be swallowed (it would end the process with a riddle)
  } catch (const std::exception& e) {
    return {.ok = false, .reason = fmt::format("an exception left {}: {}", function, e.what())};
  } catch (...) {
    return {.ok = false, .reason = fmt::format("an exception that is no std::exception left {}", function)};
  }
}

}  // namespace

void Server::watch_memory() {
  if (app_.workers.max_memory > 0) memory_.bytes();
}

ipc::Done Server::serve(Lent lent) {
  ClientSocket socket(std::move(lent.connection), page_, lent.lend.half_close_is_abort != 0);
  const std::string_view head(lent.bytes.data(), lent.lend.head_bytes);

  request_.clear();
  const auto parsed = protocol::parse_scgi_head(head, {.body = app_.limits.body}, request_);
  page_.take(lent.lend.serial, words_of(request_));  // of a refused head, as far as it could be read

  const bool is_raw = parsed && FORKLIFT_HAS(&plugin_, handle_connection);
  ipc::Done done = is_raw ? serve_raw(socket, lent) : serve_page(socket, lent, parsed);
  done.serial = serial_ = lent.lend.serial;
  socket.close();
  done.defers = deferred_ && !deferred_->is_empty();
  if (app_.workers.max_memory > 0) done.memory_bytes = memory_.bytes();
  return done;
}

ipc::Free Server::run_deferred() {
  for (const plugin::DeferredWork::Work& work : deferred_->works()) {
    page_.set_activity(ipc::Activity::kPlugin);  // each has timeouts.request
    const Verdict verdict = without_exceptions("deferred work", [&]() -> Verdict {
      work.function(work.data);
      return {.ok = true, .reason = {}};
    });
    if (::getpid() != process_) end_fork("deferred work");
    if (!verdict.ok) log::error("{}: {}", title(), escape_controls(verdict.reason));
  }
  deferred_->clear();
  ipc::Free free{.serial = serial_};
  if (app_.workers.max_memory > 0) free.memory_bytes = memory_.bytes();
  return free;
}

ipc::Done Server::serve_page(ClientSocket& socket, const Lent& lent, const Parsed& parsed) {
  const std::string_view along(lent.bytes.data() + lent.lend.head_bytes, lent.bytes.size() - lent.lend.head_bytes);
  // What a refused head says of the body's length is not to be trusted; its rest is lingering's business.
  const std::uint64_t length = parsed ? request_.content_length : UINT64_MAX;
  BodyReader body(socket, along, lent.lend.unread, length,
                  {.timeout = app_.timeouts.body, .rate = app_.limits.body_rate});
  ResponseWriter out(socket, page_, parsed ? request_.method() : std::string_view{},
                     {.timeout = app_.timeouts.write, .rate = app_.limits.body_rate}, &body);

  bool whole = false;
  if (parsed) {
    const Verdict verdict = produce(socket, body, out);
    if (::getpid() != process_) end_fork("produce");
    whole = conclude(verdict, body, out);
  } else {
    log_failure(parsed.error().status, parsed.error().reason);
    whole = answer(out, parsed.error().status);
  }

  ipc::Done done;
  done.status = out.started() ? static_cast<std::uint32_t>(out.status()) : 0;
  done.client_gone = body.error() == FORKLIFT_EGONE || out.error() == FORKLIFT_EGONE;
  if (out.head_bytes() > kLongHeadBytes) warn_of_long_head(out.head_bytes());
  if (!whole) {
    done.ending = ipc::Ending::kAbort;
  } else {
    // From here on the response needs this worker no more: if it dies now, the master ends the connection cleanly.
    page_.set_response(ipc::ResponseState::kComplete);
    done.ending = body.settle() ? ipc::Ending::kComplete : ipc::Ending::kLinger;
    socket.shut_down();
  }
  return done;
}

// What the client gets nobody here can see. So it counts as begun from the first moment, its status is unknown, and
// whatever the client may still send is lingering's business.
ipc::Done Server::serve_raw(ClientSocket& socket, const Lent& lent) {
  const Handover share = divide(lent.lend, {lent.bytes.data(), lent.bytes.size()}, request_.content_length);
  const std::size_t known = lent.lend.unread - share.unread;
  page_.set_response(ipc::ResponseState::kStarted);

  Verdict verdict{.ok = false, .reason = "the request's bytes are gone from the connection"};
  if (socket.discard(known) == known) {
    verdict = handle_connection(socket, share.head);
    if (::getpid() != process_) end_fork("handle_connection");
    socket.take_back();
  }
  ipc::Done done{.ending = verdict.ok ? ipc::Ending::kLinger : ipc::Ending::kAbort};
  if (verdict.ok) {
    page_.set_response(ipc::ResponseState::kComplete);
    socket.shut_down();
  } else if (socket.peer_is_gone()) {
    log::info("{}: the client closed the connection", title());
    done.client_gone = 1;
  } else {
    log_failure(0, escape_controls(verdict.reason));
  }
  return done;
}

Server::Verdict Server::produce(ClientSocket& socket, BodyReader& body, ResponseWriter& out) {
  Exchange exchange(request_, socket, body, out);
  const plugin::DeferredWork::Window window(deferred_);
  Verdict verdict = without_exceptions("produce", [&]() -> Verdict {
    const int result = plugin_.produce(instance_, exchange.env(), exchange.body(), exchange.out());
    if (result == 0) return {.ok = true, .reason = {}};
    return {.ok = false,
            .reason = exchange.reason().empty() ? fmt::format("produce returned {}", result) : exchange.reason()};
  });
  // On TCP nothing else may ever show it: an end of a half lets bytes be sent.
  if (!verdict.ok && exchange.told_gone() && out.error() == 0) {
    out.fail(FORKLIFT_EGONE, "the client closed the connection");
  }
  return verdict;
}

Server::Verdict Server::handle_connection(ClientSocket& socket, std::string_view head) {
  const plugin::DeferredWork::Window window(deferred_);
  return without_exceptions("handle_connection", [&]() -> Verdict {
    const int result = plugin_.handle_connection(instance_, socket.hand_over(), head.data(), head.size());
    return {.ok = result == 0, .reason = fmt::format("handle_connection returned {}", result)};
  });
}

// Decides what the client gets. True if that is a whole response; else the connection is to be aborted.
bool Server::conclude(const Verdict& verdict, const BodyReader& body, ResponseWriter& out) {
  const bool produced = verdict.ok && body.error() == 0 && out.error() == 0;
  if (produced && out.finish() == 0) return true;
  if (body.error() == FORKLIFT_EGONE || out.error() == FORKLIFT_EGONE) {
    log::info("{}: the client closed the connection", title());
    return false;
  }
  int status = 500;
  std::string reason = out.error() != 0 ? out.problem() : verdict.reason;
  if (body.error() == FORKLIFT_ESHORT) {
    status = 400;
    reason = "the body is shorter than its Content-Length";
  } else if (body.error() == FORKLIFT_ETIMEOUT) {
    status = 408;
    reason = "the body has made no progress for timeouts.body, or is slower than limits.body_rate";
  }
  log_failure(out.started() ? 0 : status, escape_controls(reason));
  return !out.started() && answer(out, status);
}

bool Server::answer(ResponseWriter& out, int status) {
  return out.replace(protocol::kScgiFrame.canned(status, 0), status) == 0;
}

void Server::warn_of_long_head(std::size_t bytes) const {
  log::warning(
      "{}: the head of the response has {} bytes; nginx's buffer has 4 or 8 KiB by default, and a longer head becomes "
      "a 502 there: raise scgi_buffer_size",
      title(), bytes);
}

// `status` 0: part of the response was sent, so it is aborted.
void Server::log_failure(int status, std::string_view reason) const {
  if (status == 0) {
    log::error("{} aborted: {}", title(), reason);
  } else if (status >= 500) {
    log::error("{} answered {}: {}", title(), status, reason);
  } else {
    log::warning("{} refused with {}: {}", title(), status, reason);
  }
}

std::string Server::title() const {
  const std::string_view method = request_.method();
  const std::size_t shown = cut_at_character(method, kMethodBytesMax);
  return fmt::format("{}{} {}", method.empty() ? "?" : escape(method.substr(0, shown)),
                     shown < method.size() ? "..." : "", quote(request_.uri()));
}

}  // namespace forklift::worker
