#include "plugin/stats_table.h"

#include "base/log.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "plugin/c_text.h"

namespace forklift::plugin {

namespace {

static_assert(FORKLIFT_STATS_MAX == ipc::kStatsMax && FORKLIFT_STATS_NAME_MAX == ipc::kStatNameMax &&
              FORKLIFT_STATS_HELP_MAX == ipc::kStatHelpMax);

template <typename... Args>
int refuse(std::string_view name, fmt::format_string<Args...> why, Args&&... args) {
  log::error("the plugin's statistic {}: {}", quote(name), fmt::format(why, std::forward<Args>(args)...));
  return FORKLIFT_EINVAL;
}

}  // namespace

StatsTable::StatsTable(ipc::SharedStats stats) : stats_(stats) {
  table_.version = FORKLIFT_VERSION_OF(forklift_stats);
  table_.counter = counter;
  table_.gauge = gauge;
  table_.add = add;
  table_.set = set;
  table_.self = this;
}

// ---- create() ----

int StatsTable::counter(const forklift_stats* table, const char* name, const char* help) noexcept {
  return register_stat(table, ipc::StatKind::kCounter, name, help);
}

int StatsTable::gauge(const forklift_stats* table, const char* name, const char* help) noexcept {
  return register_stat(table, ipc::StatKind::kGauge, name, help);
}

// No exception crosses into the plugin; it can only be that memory ran out.
int StatsTable::register_stat(const forklift_stats* table, ipc::StatKind kind, const char* name,
                              const char* help) noexcept {
  if (table == nullptr) return FORKLIFT_EINVAL;
  try {
    const std::string_view text = bounded(help, ipc::kStatHelpMax + 1);
    return static_cast<const Table*>(table)->self->do_register(
        kind, bounded(name, ipc::kStatNameMax + 1), text.substr(0, cut_at_character(text, ipc::kStatHelpMax)));
  } catch (...) {
    return FORKLIFT_ENOMEM;
  }
}

int StatsTable::do_register(ipc::StatKind kind, std::string_view name, std::string_view help) {
  // First: another thread must look at nothing else.
  if (std::this_thread::get_id() != thread_) return refuse(name, "registered on another thread than create()'s");
  if (!is_open_) return refuse(name, "registered outside of create()");
  if (!ipc::is_stat_name(name)) return refuse(name, "its name is not 1 to {} of [a-z0-9_]", ipc::kStatNameMax);
  const int count = count_;
  for (int i = 0; i < count; ++i) {
    const Registered& other = registered_[static_cast<std::size_t>(i)];
    if (other.name != name) continue;
    if (other.kind != kind) return refuse(name, "it is a counter and a gauge");
    return i + 1;
  }
  if (static_cast<std::size_t>(count) == ipc::kStatsMax) return refuse(name, "a plugin has at most {}", ipc::kStatsMax);
  registered_[static_cast<std::size_t>(count)] = {kind, std::string(name)};
  stats_.add(kind, name, help);
  count_ = count + 1;
  return count + 1;
}

// ---- any thread ----

namespace {

// Stays at the end of its 64 bits.
std::uint64_t sum_of(ipc::StatKind kind, std::uint64_t before, std::int64_t amount) {
  if (kind == ipc::StatKind::kCounter) {
    std::uint64_t sum = 0;
    return __builtin_add_overflow(before, static_cast<std::uint64_t>(amount), &sum) ? UINT64_MAX : sum;
  }
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(static_cast<std::int64_t>(before), amount, &sum)) return static_cast<std::uint64_t>(sum);
  return static_cast<std::uint64_t>(amount < 0 ? INT64_MIN : INT64_MAX);
}

}  // namespace

const StatsTable::Registered* StatsTable::find(int number) const {
  const bool known = number > 0 && number <= count_.load(std::memory_order_acquire);
  return known ? &registered_[static_cast<std::size_t>(number - 1)] : nullptr;
}

void StatsTable::add(const forklift_stats* table, int number, int64_t amount) noexcept {
  if (table == nullptr) return;
  StatsTable& self = *static_cast<const Table*>(table)->self;
  const Registered* stat = self.find(number);
  if (stat == nullptr || (stat->kind == ipc::StatKind::kCounter && amount < 0)) return;
  std::atomic<std::uint64_t>& value = self.stats_.value(static_cast<std::size_t>(number - 1));
  std::uint64_t before = value.load(std::memory_order_relaxed);
  while (!value.compare_exchange_weak(before, sum_of(stat->kind, before, amount), std::memory_order_relaxed)) {
  }
}

void StatsTable::set(const forklift_stats* table, int number, int64_t value) noexcept {
  if (table == nullptr) return;
  StatsTable& self = *static_cast<const Table*>(table)->self;
  const Registered* stat = self.find(number);
  if (stat == nullptr || stat->kind != ipc::StatKind::kGauge) return;
  self.stats_.value(static_cast<std::size_t>(number - 1))
      .store(static_cast<std::uint64_t>(value), std::memory_order_relaxed);
}

}  // namespace forklift::plugin
