#include "ipc/page.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace forklift::ipc {

namespace {

std::int64_t now_ns() {
  return Clock::now().time_since_epoch().count();
}

template <std::size_t N>
void store(PageText<N>& to, std::string_view text) {
  const std::size_t n = std::min(text.size(), N);
  if (n > 0) std::memcpy(to.text, text.data(), n);  // data() of nothing is NULL
  to.bytes.store(static_cast<std::uint32_t>(n), std::memory_order_release);
}

// Takes the bytes to `free`, and moves that behind them.
template <std::size_t N>
std::string_view load(const PageText<N>& from, char*& free) {
  const auto n = std::min<std::size_t>(from.bytes.load(std::memory_order_acquire), N);
  std::memcpy(free, from.text, n);
  return {std::exchange(free, free + n), n};
}

}  // namespace

SharedPage::SharedPage(SharedPage&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}

SharedPage& SharedPage::operator=(SharedPage&& other) noexcept {
  std::swap(page_, other.page_);
  return *this;
}

SharedPage::~SharedPage() {
  if (page_) ::munmap(page_, sizeof(PageLayout));
}

Result<SharedPage> SharedPage::create() {
  void* memory = ::mmap(nullptr, sizeof(PageLayout), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail_errno("mmap of a worker's shared page");
  return SharedPage(new (memory) PageLayout{});
}

void SharedPage::take(std::uint64_t serial, const RequestWords& request) {
  page_->response.store(ResponseState::kNone, std::memory_order_relaxed);
  set_request(request);
  set_activity(Activity::kPlugin);
  page_->taken.store(serial, std::memory_order_release);
}

void SharedPage::set_request(const RequestWords& words) {
  store(page_->method, words.method);
  store(page_->uri, words.uri);
  store(page_->remote_addr, words.remote_addr);
  store(page_->remote_user, words.remote_user);
  store(page_->protocol, words.protocol);
  store(page_->referer, words.referer);
  store(page_->user_agent, words.user_agent);
}

void SharedPage::set_status(unsigned status) {
  page_->status.store(status, std::memory_order_relaxed);
}

void SharedPage::set_response(ResponseState state) {
  page_->response.store(state, std::memory_order_release);
}

void SharedPage::set_activity(Activity activity) {
  page_->progress_ns.store(now_ns(), std::memory_order_relaxed);
  page_->activity.store(activity, std::memory_order_release);
}

std::uint64_t SharedPage::taken() const {
  return page_->taken.load(std::memory_order_acquire);
}

ResponseState SharedPage::response() const {
  const ResponseState state = page_->response.load(std::memory_order_acquire);
  const bool known = state == ResponseState::kNone || state == ResponseState::kComplete;
  return known ? state : ResponseState::kStarted;
}

unsigned SharedPage::status() const {
  return page_->status.load(std::memory_order_relaxed);
}

Activity SharedPage::activity() const {
  return page_->activity.load(std::memory_order_acquire) == Activity::kClient ? Activity::kClient : Activity::kPlugin;
}

TimePoint SharedPage::progress() const {
  return TimePoint(Duration(page_->progress_ns.load(std::memory_order_relaxed)));
}

RequestWords SharedPage::request(WordsCopy& copy) const {
  char* free = copy.data();
  return {.method = load(page_->method, free),
          .uri = load(page_->uri, free),
          .remote_addr = load(page_->remote_addr, free),
          .remote_user = load(page_->remote_user, free),
          .protocol = load(page_->protocol, free),
          .referer = load(page_->referer, free),
          .user_agent = load(page_->user_agent, free)};
}

}  // namespace forklift::ipc
