// The memory that a worker shares with the master: a page that says what the worker is doing, and behind it what its
// plugin counts, readable even when it has just died.
//
// No pointers, fixed sizes, lock-free words. The master treats every word as untrusted: a plugin can write here too.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "ipc/page_text.h"
#include "ipc/stats.h"

namespace forklift::ipc {

// How far the response of the request in `taken` has come. The order of the writes is what makes a dead worker's
// request answerable: kStarted before the first byte is sent, kComplete after the last one was. What follows, taking
// the byte that was kept unread and shutting the connection down for writing, the master can do as well.
enum class ResponseState : std::uint32_t { kNone = 0, kStarted = 1, kComplete = 2 };

// What a busy worker is doing. In kClient its own deadlines (timeouts.body, timeouts.write) hold; in kPlugin the
// master's (timeouts.request).
enum class Activity : std::uint32_t { kPlugin = 0, kClient = 1 };

// What the log and the access log say of a request.
struct RequestWords {
  std::string_view method{}, uri{}, remote_addr{}, remote_user{}, protocol{}, referer{}, user_agent{};
};

struct PageLayout {
  std::atomic<std::uint64_t> taken;     // serial of the last lend that the worker has taken; 0 before the first
  std::atomic<ResponseState> response;  // of that request
  std::atomic<std::uint32_t> status;    // of that response, once it has started
  std::atomic<std::uint64_t> sent;      // bytes of that response's body that went out to the client
  std::atomic<Activity> activity;       // of that request
  // Steady clock: when `activity` last changed, or something was read or written.
  std::atomic<std::int64_t> progress_ns;
  PageText<32> method;
  PageText<2048> uri;
  PageText<64> remote_addr;
  PageText<64> remote_user;
  PageText<16> protocol;
  PageText<512> referer;
  PageText<512> user_agent;
  std::atomic<std::uint32_t> stats;  // how many there are behind this page
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<ResponseState>::is_always_lock_free);
static_assert(sizeof(PageLayout) <= 4096);

// All that is shared. Pages that nobody writes to cost nothing.
struct SharedLayout {
  PageLayout page;
  alignas(4096) std::array<std::byte, sizeof(StatsLayout)> stats;  // made with the first of them
};

// Room for all texts of a page.
using WordsCopy = std::array<char, sizeof(PageLayout)>;

// Owns one mapping of the page. Made in the master before the fork; the mapping is shared with the worker that inherits
// it.
class SharedPage {
 public:
  SharedPage() = default;
  SharedPage(SharedPage&& other) noexcept;
  SharedPage& operator=(SharedPage&& other) noexcept;
  ~SharedPage();

  static Result<SharedPage> create();

  // ---- the worker's side ----
  // Begins a request: everything of the one before is forgotten, then `serial` is taken. Until then nothing of it may
  // have been sent, and the death of the worker costs it nothing; from then on it has a name.  [worker]
  void take(std::uint64_t serial, const RequestWords& request = {});
  void set_request(const RequestWords& words);
  void set_status(unsigned status);  // before kStarted
  void set_response(ResponseState state);
  void count_sent(std::uint64_t bytes);
  void set_activity(Activity activity);  // counts as progress
  SharedStats stats();

  // ---- the master's side ----
  std::uint64_t taken() const;
  ResponseState response() const;  // an impossible value counts as kStarted: the connection is then aborted
  unsigned status() const;
  std::uint64_t sent() const;
  Activity activity() const;
  TimePoint progress() const;
  // Raw bytes, to be quoted. They live in `copy`: in the page they could change between being looked at and being
  // written, as long as the worker or a process that its plugin has forked lives.
  RequestWords request(WordsCopy& copy) const;
  std::vector<Stat> read_stats() const;

 private:
  explicit SharedPage(SharedLayout* shared) : shared_(shared) {}
  PageLayout& page() const { return shared_->page; }

  SharedLayout* shared_ = nullptr;
};

}  // namespace forklift::ipc
