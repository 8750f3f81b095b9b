// forklift/stats.hpp - a plugin's own numbers in `forklift status`, in C++17 and later
//
//     #include <forklift/plugin.hpp>
//     #include <forklift/stats.hpp>
//
//     class Shop : public forklift::Plugin {
//      public:
//       explicit Shop(const forklift::Host& host)
//           : orders_(host, "orders", "orders that were taken"), cache_(host, "cache_bytes") {}
//
//       void produce(const forklift::Env&, forklift::Body&, forklift::Out& out) override {
//         orders_.add();
//         cache_.set(cache_size());
//         ...
//       }
//
//      private:
//       forklift::Counter orders_;
//       forklift::Gauge cache_;
//     };
//
// What is shown of them is said in forklift/stats.h. Where the host has no such service, they are there and do nothing.
#ifndef FORKLIFT_STATS_HPP
#define FORKLIFT_STATS_HPP

#include <forklift/stats.h>

#include <cstdint>
#include <forklift/detail/c_text.hpp>
#include <forklift/error.hpp>
#include <forklift/host.hpp>
#include <string>
#include <string_view>

namespace forklift {
inline namespace api {

namespace detail {

class Stat {
 protected:
  using Register = int (*forklift_stats::*)(const forklift_stats*, const char*, const char*);

  Stat(const Host& host, Register kind, std::string_view name, std::string_view help)
      : service_(static_cast<const forklift_stats*>(host.service(FORKLIFT_STATS_ID))) {
    if (service_ == nullptr) return;
    const CText text(help);
    const int number = (service_->*kind)(service_, CText(name).c_str(), help.empty() ? nullptr : text.c_str());
    if (number < 0) throw Error(number, std::string("registering \"").append(name).append("\" for the status"));
    number_ = number;
  }

  const forklift_stats* service_;
  int number_ = 0;
};

}  // namespace detail

// To be made in the plugin's constructor, and kept as long as it; a copy is the same counter. Throws Error where
// forklift/stats.h says FORKLIFT_EINVAL; the log then says more.
class Counter : private detail::Stat {
 public:
  explicit Counter(const Host& host, std::string_view name, std::string_view help = {})
      : Stat(host, &forklift_stats::counter, name, help) {}

  // From any thread.
  void add(std::int64_t amount = 1) const noexcept {
    if (service_ != nullptr) service_->add(service_, number_, amount);
  }
};

// Likewise.
class Gauge : private detail::Stat {
 public:
  explicit Gauge(const Host& host, std::string_view name, std::string_view help = {})
      : Stat(host, &forklift_stats::gauge, name, help) {}

  // From any thread.
  void set(std::int64_t value) const noexcept {
    if (service_ != nullptr) service_->set(service_, number_, value);
  }
  void add(std::int64_t amount) const noexcept {
    if (service_ != nullptr) service_->add(service_, number_, amount);
  }
};

}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_STATS_HPP
