#include "exchange.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include "refusal.h"
#include "text.h"

namespace cgi {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::size_t kBodyInMemory = 1024 * 1024;
// Of each stream in a row, before the others get their turn.
constexpr int kPiecesInARow = 16;
// Of standard error: a line in the log costs as much as many kilobytes of a page.
constexpr std::size_t kErrorBytesInARow = 16 * 1024;
constexpr int kLinesInARow = 64;
// For what a program that is gone has left on standard error.
constexpr milliseconds kLastLinesTime{1000};

std::string describe(int error) {
  return std::generic_category().message(error);
}

std::string describe_status(int status) {
  if (WIFEXITED(status)) return "exited with status " + std::to_string(WEXITSTATUS(status));
  const char* name = ::strsignal(WTERMSIG(status));
  return "was killed by signal " + std::to_string(WTERMSIG(status)) + " (" + (name ? name : "?") + ")";
}

// read(2) without waiting: a count, 0 at the end, or nothing while there is none.
std::optional<std::size_t> read_some(int fd, char* buffer, std::size_t size) {
  while (true) {
    const ssize_t n = ::read(fd, buffer, size);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EAGAIN) return std::nullopt;
    if (errno != EINTR) return 0;
  }
}

}  // namespace

Exchange::Exchange(const Settings& settings, const forklift::Host& host, const std::string& name, Program& program,
                   forklift::Body* body, bool wants_page, forklift::Out& out)
    : settings_(settings),
      host_(host),
      name_(name),
      program_(program),
      body_(body),
      out_(out),
      spool_(kBodyInMemory),
      head_(settings.head_bytes),
      wants_page_(wants_page),
      errors_(
          [this](std::string_view line) { host_.log(forklift::Level::kWarning, name_ + ": " + std::string(line)); }) {
  if (body == nullptr || body->length() == 0) end_input();
}

std::optional<std::string> Exchange::run() {
  try {
    while (!is_over()) step();
  } catch (const BadHead& bad) {
    end_program();
    fail(500, bad.what());
  } catch (...) {
    end_program();
    throw;
  }
  conclude();
  return redirection_;
}

void Exchange::step() {
  enum { kInput, kOutput, kErrors, kControl };
  forklift_poll polls[] = {
      {program_.input().get(), static_cast<short>(spool_.empty() ? 0 : POLLOUT), 0},
      {wants_output() ? program_.output().get() : -1, POLLIN, 0},
      {unlogged_.empty() ? program_.errors().get() : -1, POLLIN, 0},
      {program_.status() ? -1 : program_.control(), POLLIN, 0},
  };
  unsigned interest = 0;
  if (wants_body()) interest |= FORKLIFT_WAIT_BODY;
  if (out_blocked_) interest |= FORKLIFT_WAIT_OUT;
  if (flush_blocked_) interest |= FORKLIFT_WAIT_SENT;
  const unsigned ready = out_.wait(interest, polls, std::size(polls), time_left());
  if (ready & FORKLIFT_WAIT_GONE) throw forklift::Error(FORKLIFT_EGONE, "waiting for the program");
  // What the client has to do, or to wait for, is not the program's time.
  if (interest != 0) progress_ = Clock::now();

  if (polls[kErrors].revents != 0 || !unlogged_.empty()) take_errors();
  if (polls[kControl].revents != 0) check_program();
  if (ready & FORKLIFT_WAIT_BODY) take_body();
  if (polls[kInput].revents & POLLERR) end_input();  // nobody reads it any more, which is no error
  feed();
  if (polls[kOutput].revents != 0 || !pending_.empty() || flush_blocked_) move_output();
  check_deadlines();
}

void Exchange::check_program() {
  program_.hear();
  if (program_.is_lost()) fail(500, "its keeper was killed");
  if (const auto& failure = program_.failure()) {
    const bool is_short = failure->value == EAGAIN || failure->value == ENOMEM || failure->value == EMFILE;
    std::string reason = "it cannot be run: " + describe(failure->value);
    if (failure->in_exec && failure->value == ENOENT) {
      reason += " (its first line names an interpreter that is not there; a carriage return behind it counts)";
    }
    if (failure->in_exec && failure->value == ENOEXEC) {
      reason +=
          " (it is neither a program for this machine nor has it a first line that names an interpreter: #!/bin/sh)";
    }
    if (failure->value == E2BIG) {
      fail(431, reason + " (the request's variables are too long for its environment: 128 KiB each, see execve(2))");
    }
    fail(is_short ? 503 : 500, reason);
  }
  if (program_.status()) note_exit();
}

// ---- the body ----

void Exchange::take_body() {
  std::array<char, kPieceBytes> piece;
  for (int i = 0; i < kPiecesInARow && wants_body(); ++i) {
    const std::int64_t n = body_->try_read(piece.data(), piece.size());
    if (n == FORKLIFT_EAGAIN) return;
    if (n < 0) throw forklift::Error(n, "reading the body");
    if (n == 0) body_complete_ = true;
    try {
      spool_.append({piece.data(), static_cast<std::size_t>(n)});
    } catch (const std::system_error& error) {
      fail(500, std::string("its body can be kept nowhere: ") + error.what());
    }
    if (body_complete_) progress_ = Clock::now();
  }
}

void Exchange::feed() {
  while (program_.input() && !spool_.empty()) {
    const std::string_view bytes = spool_.front();
    const ssize_t n = ::write(program_.input().get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) return end_input();
    spool_.drop(static_cast<std::size_t>(n));
    note_progress();
  }
  if (body_complete_) end_input();
}

// For our own timeout, and for timeouts.request: a program that reads a large body from the spool for minutes keeps
// nobody waiting.
void Exchange::note_progress() {
  progress_ = Clock::now();
  out_.alive();
}

void Exchange::end_input() {
  program_.end_input();
}

// ---- the page ----

// The response does not begin as long as the client is to send more of the body: nginx sends no more of it then, and
// the program would wait for the rest for ever. Meanwhile the program may have to wait with its page, but not the
// body: the spool takes it.
void Exchange::move_output() {
  for (int i = 0; i < kPiecesInARow; ++i) {
    if (!send()) return;
    if (!take_output()) break;
  }
  if (send()) flush();
}

// What is there goes on its way before anybody waits for more. Behind the last of it the host does this, and knows the
// page's length then, if nothing of it is sent.
void Exchange::flush() {
  flush_blocked_ = false;
  if (flushed_ || !program_.output()) return;
  begun_ = true;
  const int result = out_.try_flush();
  if (result < 0 && result != FORKLIFT_EAGAIN) throw forklift::Error(result, "flushing the response");
  flush_blocked_ = result == FORKLIFT_EAGAIN;
  flushed_ = !flush_blocked_;
  progress_ = Clock::now();
}

// False if there is nothing for the time being, or for ever.
bool Exchange::take_output() {
  if (!program_.output()) return false;
  std::array<char, kPieceBytes> piece;
  const auto n = read_some(program_.output().get(), piece.data(), piece.size());
  if (!n) return false;
  if (*n == 0) {
    program_.output().close();
    end_of_output_ = Clock::now();
    return false;
  }
  if (program_.status()) {
    own_output_left_ -= std::min(own_output_left_, *n);
    if (own_output_left_ == 0 && !end_of_own_output_) end_of_own_output_ = Clock::now();
  }
  take_head({piece.data(), *n});
  return true;
}

void Exchange::take_head(std::string_view bytes) {
  const bool was_complete = head_.complete();
  head_.take(bytes);
  if (!was_complete) note_progress();  // a page's bytes are progress when they go on
  if (head_.complete() && !was_complete) {
    const Head head = parse_head(head_.block());
    redirection_ = head.local_redirection;
    wants_page_ = wants_page_ && head.has_page;
    if (!redirection_) pending_ = head_.block();
  }
  // What comes with a redirection is nobody's (RFC 3875, 6.2.2).
  // Of a page that is not sent the host wants to know the length, as long as it can still tell it.
  if (head_.complete() && (wants_page_ || !begun_) && !redirection_) pending_.append(bytes);
}

// True if `out` has taken all that there was.
bool Exchange::send() {
  out_blocked_ = flush_blocked_ = false;
  if (pending_.empty()) return true;
  if (!may_send()) return false;
  while (!pending_.empty()) {
    sent_ = true;
    flushed_ = false;
    const std::int64_t n = out_.try_write(pending_);
    if (n == FORKLIFT_EAGAIN) {
      out_blocked_ = true;
      return false;
    }
    if (n == FORKLIFT_EINVAL) {
      host_.log(forklift::Level::kWarning,
                name_ + ": its headers, or its page behind them, are not taken; the reason follows");
    }
    if (n < 0) throw forklift::Error(n, "writing the response");
    pending_.erase(0, static_cast<std::size_t>(n));
    progress_ = Clock::now();
  }
  return true;
}

// What is in the pipe now the program has written; what comes later is somebody's who holds its standard output.
void Exchange::note_exit() {
  end_input();  // who may still hold the other end has no claim on the body
  if (end_of_own_output_ || !program_.output()) return;
  int bytes = 0;
  if (::ioctl(program_.output().get(), FIONREAD, &bytes) == 0) own_output_left_ = static_cast<std::size_t>(bytes);
  if (own_output_left_ == 0) end_of_own_output_ = Clock::now();
}

// ---- standard error ----

// A piece of it: whatever a program writes there, the page, the client and the deadlines get their turn. False if there
// was none.
bool Exchange::take_errors() {
  if (unlogged_.empty() && program_.errors()) {
    std::array<char, kErrorBytesInARow> piece;
    const auto n = read_some(program_.errors().get(), piece.data(), piece.size());
    if (n && *n == 0) program_.errors().close();
    unlogged_.assign(piece.data(), n.value_or(0));
  }
  std::size_t end = 0;
  for (int lines = 0; lines < kLinesInARow && end < unlogged_.size(); ++lines) {
    end = std::min(unlogged_.find('\n', end), unlogged_.size() - 1) + 1;
  }
  errors_.feed(std::string_view(unlogged_).substr(0, end));
  unlogged_.erase(0, end);
  return end > 0;
}

void Exchange::take_last_errors() {
  const auto until = Clock::now() + kLastLinesTime;
  while (take_errors() && Clock::now() < until) continue;
  int waiting = 0;
  if (program_.errors()) ::ioctl(program_.errors().get(), FIONREAD, &waiting);
  const std::size_t left = unlogged_.size() + static_cast<std::size_t>(waiting);
  errors_.finish();
  if (left == 0) return;
  host_.log(forklift::Level::kWarning, name_ + ": " + std::to_string(left) + " more bytes on its standard error");
}

// ---- the end ----

bool Exchange::is_over() const {
  if (!pending_.empty()) return false;
  if (gave_up_) return true;
  if (end_of_output_) return program_.status() || Clock::now() >= *end_of_output_ + settings_.grace;
  return end_of_own_output_ && Clock::now() >= *end_of_own_output_ + settings_.grace;
}

std::optional<Exchange::Clock::time_point> Exchange::deadline() const {
  if (!pending_.empty()) return std::nullopt;  // the client's turn, which has deadlines of the host's
  if (end_of_output_) return program_.status() ? std::nullopt : std::optional(*end_of_output_ + settings_.grace);
  if (end_of_own_output_) return *end_of_own_output_ + settings_.grace;
  const bool for_client = wants_body() || out_blocked_ || flush_blocked_;
  if (for_client || settings_.timeout == milliseconds(0)) return std::nullopt;
  return progress_ + settings_.timeout;
}

milliseconds Exchange::time_left() const {
  if (!unlogged_.empty()) return milliseconds(0);
  const auto until = deadline();
  if (!until) return forklift::Out::kNoLimit;
  return std::max(std::chrono::ceil<milliseconds>(*until - Clock::now()), milliseconds(0));
}

void Exchange::check_deadlines() {
  if (end_of_output_ || end_of_own_output_) return;  // is_over()
  const auto until = deadline();
  if (!until || Clock::now() < *until) return;
  // All that the client is to get of it is sent, or known.
  if (redirection_ || (sent_ && !wants_page_)) {
    gave_up_ = true;
    return;
  }
  fail(504,
       "it has neither read nor written for " + std::to_string(settings_.timeout.count()) + " ms (settings.timeout)");
}

void Exchange::end_program() {
  program_.end([this] { take_errors(); });
  take_last_errors();
  if (program_.lost_its_keeper()) {
    host_.log(forklift::Level::kWarning, name_ + ": its keeper was killed or stopped by somebody");
  } else if (program_.was_killed()) {
    host_.log(forklift::Level::kWarning, name_ + ": a process of it has ignored TERM for " +
                                             std::to_string(settings_.grace.count()) + " ms, and was killed");
  }
}

// Throws what the client is to notice: a Refusal, or, where it has a part of the page, anything else.
void Exchange::fail(int status, const std::string& reason) const {
  if (!sent_) throw Refusal(status, name_ + ": " + reason);
  throw std::runtime_error(name_ + ": " + reason);
}

void Exchange::conclude() {
  const bool by_itself = program_.status().has_value();
  const bool is_held = !end_of_output_;
  end_program();
  if (!by_itself) {
    host_.log(forklift::Level::kWarning, name_ +
                                             (gave_up_ ? " has not exited though its answer has no page"
                                                       : " has closed its output and did not exit") +
                                             ": it was ended");
  } else if (is_held) {
    host_.log(forklift::Level::kWarning, name_ + " has exited, and a process that it has started kept its output open");
  }
  const int status = by_itself ? *program_.status() : 0;
  const std::string death = status == 0 ? "" : describe_status(status);
  if (!head_.complete()) {
    fail(500, (head_.block().empty() ? std::string("it has written nothing")
                                     : "its output ends before its headers do: " + quote(head_.block())) +
                  (death.empty() ? "" : "; it " + death));
  }
  // Its page is probably not whole.
  if (WIFSIGNALED(status)) fail(500, "it " + death);
  if (!death.empty()) host_.log(forklift::Level::kWarning, name_ + " " + death);
}

}  // namespace cgi
