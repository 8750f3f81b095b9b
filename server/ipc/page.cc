#include "ipc/page.h"

#include <sys/mman.h>

#include <new>
#include <utility>

namespace forklift::ipc {

namespace {

std::int64_t now_ns() {
  return Clock::now().time_since_epoch().count();
}

// Takes the bytes to `free`, and moves that behind them.
template <std::size_t N>
std::string_view copy_out(const PageText<N>& from, char*& free) {
  const std::size_t n = load(from, free);
  return {std::exchange(free, free + n), n};
}

}  // namespace

SharedPage::SharedPage(SharedPage&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}

SharedPage& SharedPage::operator=(SharedPage&& other) noexcept {
  std::swap(shared_, other.shared_);
  return *this;
}

SharedPage::~SharedPage() {
  if (shared_) ::munmap(shared_, sizeof(SharedLayout));
}

Result<SharedPage> SharedPage::create() {
  void* memory = ::mmap(nullptr, sizeof(SharedLayout), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail_errno("mmap of a worker's shared page");
  auto* shared = static_cast<SharedLayout*>(memory);
  new (&shared->page) PageLayout{};
  return SharedPage(shared);
}

void SharedPage::take(std::uint64_t serial, const RequestWords& request) {
  page().response.store(ResponseState::kNone, std::memory_order_relaxed);
  set_status(0);
  page().sent.store(0, std::memory_order_relaxed);
  set_request(request);
  set_activity(Activity::kPlugin);
  page().taken.store(serial, std::memory_order_release);
}

void SharedPage::set_request(const RequestWords& words) {
  store(page().method, words.method);
  store(page().uri, words.uri);
  store(page().remote_addr, words.remote_addr);
  store(page().remote_user, words.remote_user);
  store(page().protocol, words.protocol);
  store(page().referer, words.referer);
  store(page().user_agent, words.user_agent);
}

void SharedPage::set_status(unsigned status) {
  page().status.store(status, std::memory_order_relaxed);
}

void SharedPage::set_response(ResponseState state) {
  page().response.store(state, std::memory_order_release);
}

void SharedPage::count_sent(std::uint64_t bytes) {
  page().sent.store(sent() + bytes, std::memory_order_relaxed);
}

void SharedPage::set_activity(Activity activity) {
  page().progress_ns.store(now_ns(), std::memory_order_relaxed);
  page().activity.store(activity, std::memory_order_release);
}

std::uint64_t SharedPage::taken() const {
  return page().taken.load(std::memory_order_acquire);
}

ResponseState SharedPage::response() const {
  const ResponseState state = page().response.load(std::memory_order_acquire);
  const bool known = state == ResponseState::kNone || state == ResponseState::kComplete;
  return known ? state : ResponseState::kStarted;
}

unsigned SharedPage::status() const {
  return page().status.load(std::memory_order_relaxed);
}

std::uint64_t SharedPage::sent() const {
  return page().sent.load(std::memory_order_relaxed);
}

Activity SharedPage::activity() const {
  return page().activity.load(std::memory_order_acquire) == Activity::kClient ? Activity::kClient : Activity::kPlugin;
}

TimePoint SharedPage::progress() const {
  return TimePoint(Duration(page().progress_ns.load(std::memory_order_relaxed)));
}

RequestWords SharedPage::request(WordsCopy& copy) const {
  char* free = copy.data();
  return {.method = copy_out(page().method, free),
          .uri = copy_out(page().uri, free),
          .remote_addr = copy_out(page().remote_addr, free),
          .remote_user = copy_out(page().remote_user, free),
          .protocol = copy_out(page().protocol, free),
          .referer = copy_out(page().referer, free),
          .user_agent = copy_out(page().user_agent, free)};
}

SharedStats SharedPage::stats() {
  return {page().stats, &shared_->stats};
}

std::vector<Stat> SharedPage::read_stats() const {
  return SharedStats(page().stats, &shared_->stats).read();
}

}  // namespace forklift::ipc
