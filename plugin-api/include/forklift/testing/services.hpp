// forklift/testing/services.hpp - the services that a worker offers; part of forklift/testing.hpp
#ifndef FORKLIFT_TESTING_SERVICES_HPP
#define FORKLIFT_TESTING_SERVICES_HPP

#include <forklift/defer.h>
#include <forklift/stats.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <forklift/testing/text.hpp>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace forklift {
namespace testing {

// One of the plugin's own numbers (forklift/stats.h), as `forklift status` would show it of this one instance.
struct Stat {
  std::string name;
  std::string help;    // as far as it is kept
  bool is_gauge;       // else a counter
  std::int64_t value;  // a counter that is above INT64_MAX is shown as that
};

namespace detail {

// Takes an error for the log.
using ErrorLog = std::function<void(const std::string&)>;

// forklift.defer/1: collects, and runs nothing.
class DeferredWork {
 public:
  struct Work {
    void (*function)(void* data);
    void* data;
  };

  explicit DeferredWork(ErrorLog log) : log_(std::move(log)) {
    table_.version = FORKLIFT_VERSION_OF(forklift_defer);
    table_.after_response = [](const forklift_defer* table, void (*function)(void*), void* data) {
      return table == nullptr ? int{FORKLIFT_EINVAL} : static_cast<const Table*>(table)->self->add({function, data});
    };
    table_.self = this;
  }
  DeferredWork(const DeferredWork&) = delete;
  DeferredWork& operator=(const DeferredWork&) = delete;

  const forklift_defer* table() const { return &table_; }

  // The time in which work is taken: that of produce() or handle_connection(), on the thread of its caller.
  class Window {
   public:
    explicit Window(DeferredWork& work) : work_(work) {
      work_.thread_ = std::this_thread::get_id();
      work_.works_.clear();
      work_.is_open_ = true;
    }
    ~Window() { work_.is_open_ = false; }
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;

   private:
    DeferredWork& work_;
  };

  // What was collected, in its order; it is not kept.
  std::vector<Work> take() { return std::exchange(works_, {}); }

 private:
  struct Table : forklift_defer {
    DeferredWork* self;
  };

  int refuse(const char* why) const {
    log_(std::string("after_response: ") + why);
    return FORKLIFT_EINVAL;
  }
  int add(const Work& work) {
    if (work.function == nullptr) return refuse("the service, or the work, is NULL");
    // First: another thread must look at nothing else.
    if (std::this_thread::get_id() != thread_.load()) return refuse("called on another thread than produce()'s");
    if (!is_open_) return refuse("called outside of produce() and handle_connection()");
    if (works_.size() == FORKLIFT_DEFER_MAX) return FORKLIFT_ENOMEM;
    works_.push_back(work);
    return FORKLIFT_OK;
  }

  const ErrorLog log_;
  Table table_{};
  std::atomic<std::thread::id> thread_{std::this_thread::get_id()};
  bool is_open_ = false;
  std::vector<Work> works_;
};

// forklift.stats/1.
class StatsTable {
 public:
  explicit StatsTable(ErrorLog log) : log_(std::move(log)) {
    table_.version = FORKLIFT_VERSION_OF(forklift_stats);
    table_.counter = [](const forklift_stats* table, const char* name, const char* help) {
      return enter(table, false, name, help);
    };
    table_.gauge = [](const forklift_stats* table, const char* name, const char* help) {
      return enter(table, true, name, help);
    };
    table_.add = [](const forklift_stats* table, int number, std::int64_t amount) {
      Entry* const entry = find(table, number);
      if (entry == nullptr || (!entry->is_gauge && amount < 0)) return;
      std::uint64_t before = entry->value;
      while (!entry->value.compare_exchange_weak(before, sum_of(entry->is_gauge, before, amount))) {
      }
    };
    table_.set = [](const forklift_stats* table, int number, std::int64_t value) {
      Entry* const entry = find(table, number);
      if (entry != nullptr && entry->is_gauge) entry->value = static_cast<std::uint64_t>(value);
    };
    table_.self = this;
  }
  StatsTable(const StatsTable&) = delete;
  StatsTable& operator=(const StatsTable&) = delete;

  const forklift_stats* table() const { return &table_; }

  // create() has returned: no more are registered.
  void close() { is_open_ = false; }

  // All of them, in the order in which they were registered.  [any thread]
  std::vector<Stat> all() const {
    std::vector<Stat> all;
    const std::size_t count = count_;
    for (std::size_t i = 0; i < count; ++i) {
      const Entry& entry = entries_[i];
      const std::uint64_t value = entry.value;
      constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      const bool is_above = !entry.is_gauge && value > kMost;
      all.push_back({entry.name, entry.help, entry.is_gauge, static_cast<std::int64_t>(is_above ? kMost : value)});
    }
    return all;
  }

 private:
  struct Table : forklift_stats {
    StatsTable* self;
  };
  struct Entry {
    bool is_gauge = false;
    std::string name;
    std::string help;
    std::atomic<std::uint64_t> value{0};
  };

  static std::string_view bounded(const char* text, std::size_t bytes_max) {
    return text == nullptr ? std::string_view() : std::string_view(text, ::strnlen(text, bytes_max));
  }

  static int enter(const forklift_stats* table, bool is_gauge, const char* name, const char* help) {
    if (table == nullptr) return FORKLIFT_EINVAL;
    const std::string_view text = bounded(help, FORKLIFT_STATS_HELP_MAX + 1);
    return static_cast<const Table*>(table)->self->do_enter(
        is_gauge, bounded(name, FORKLIFT_STATS_NAME_MAX + 1),
        text.substr(0, cut_at_character(text, FORKLIFT_STATS_HELP_MAX)));
  }

  int refuse(std::string_view name, const std::string& why) const {
    log_("the plugin's statistic " + quote(name) + ": " + why);
    return FORKLIFT_EINVAL;
  }

  int do_enter(bool is_gauge, std::string_view name, std::string_view help) {
    // First: another thread must look at nothing else.
    if (std::this_thread::get_id() != thread_) return refuse(name, "registered on another thread than create()'s");
    if (!is_open_) return refuse(name, "registered outside of create()");
    if (name.empty() || name.size() > FORKLIFT_STATS_NAME_MAX ||
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != name.npos) {
      return refuse(name, "its name is not 1 to " + std::to_string(FORKLIFT_STATS_NAME_MAX) + " of [a-z0-9_]");
    }
    const std::size_t count = count_;
    for (std::size_t i = 0; i < count; ++i) {
      if (entries_[i].name != name) continue;
      if (entries_[i].is_gauge != is_gauge) return refuse(name, "it is a counter and a gauge");
      return static_cast<int>(i + 1);
    }
    if (count == entries_.size()) return refuse(name, "a plugin has at most " + std::to_string(FORKLIFT_STATS_MAX));
    entries_[count].is_gauge = is_gauge;
    entries_[count].name = name;
    entries_[count].help = help;
    count_ = count + 1;
    return static_cast<int>(count + 1);
  }

  // The one that has this number, if there is one.
  static Entry* find(const forklift_stats* table, int number) {
    if (table == nullptr || number <= 0) return nullptr;
    StatsTable& self = *static_cast<const Table*>(table)->self;
    const auto index = static_cast<std::size_t>(number - 1);
    return index < self.count_ ? &self.entries_[index] : nullptr;
  }

  // Stays at the end of its 64 bits.
  static std::uint64_t sum_of(bool is_gauge, std::uint64_t before, std::int64_t amount) {
    if (!is_gauge) {
      std::uint64_t sum = 0;
      return __builtin_add_overflow(before, static_cast<std::uint64_t>(amount), &sum) ? ~std::uint64_t{0} : sum;
    }
    using Limits = std::numeric_limits<std::int64_t>;
    std::int64_t sum = 0;
    if (__builtin_add_overflow(static_cast<std::int64_t>(before), amount, &sum)) {
      sum = amount < 0 ? Limits::min() : Limits::max();
    }
    return static_cast<std::uint64_t>(sum);
  }

  const ErrorLog log_;
  Table table_{};
  const std::thread::id thread_ = std::this_thread::get_id();
  bool is_open_ = true;
  std::atomic<std::size_t> count_{0};
  std::array<Entry, FORKLIFT_STATS_MAX> entries_;
};

}  // namespace detail
}  // namespace testing
}  // namespace forklift

#endif  // FORKLIFT_TESTING_SERVICES_HPP
