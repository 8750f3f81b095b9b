// forklift/error.hpp - what a failed call of the host throws; part of forklift/plugin.hpp
#ifndef FORKLIFT_ERROR_HPP
#define FORKLIFT_ERROR_HPP

#include <forklift/plugin.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace forklift {
inline namespace api {

// A call of the host that failed: `reading the body: the client is gone`.
class Error : public std::runtime_error {
 public:
  Error(std::int64_t code, const std::string& doing)
      : std::runtime_error(doing + ": " + describe(code)), code_(static_cast<int>(code)) {}

  // One of FORKLIFT_E...
  int code() const noexcept { return code_; }

  static const char* describe(std::int64_t code) noexcept {
    switch (code) {
      case FORKLIFT_EAGAIN: return "nothing can be done without waiting";
      case FORKLIFT_EGONE: return "the client is gone";
      case FORKLIFT_ETIMEOUT: return "the client made no progress in time";
      case FORKLIFT_ESHORT: return "the body broke off before its end";
      case FORKLIFT_EINVAL: return "a wrong argument, or a call in the wrong order";
      case FORKLIFT_ENOMEM: return "out of memory";
      case FORKLIFT_EIO: return "a system call failed";
      default: return "an unknown failure";
    }
  }

 private:
  int code_;
};

namespace detail {

// What the host returned, if it is no error.
template <class Result>
Result checked(Result result, const char* doing) {
  if (result < 0) throw Error(result, doing);
  return result;
}

}  // namespace detail

}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_ERROR_HPP
