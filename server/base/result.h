// Errors as values: a message for people and, where there is one, the errno behind it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace forklift {

// What went wrong, as one line without a final full stop. Context is put in front on the way up, so that the finished
// line reads from the large to the small: `app "shop": image: open /srv/shop.so: No such file or directory`.
class Error {
 public:
  explicit Error(std::string message, int code = 0) : message_(std::move(message)), code_(code) {}

  const std::string& message() const { return message_; }
  // The errno of the system call that failed; 0 if none did.
  int code() const { return code_; }

  // The same error with `context: ` in front.
  Error in(std::string_view context) const { return Error(fmt::format("{}: {}", context, message_), code_); }

 private:
  std::string message_;
  int code_;
};

template <typename T>
using Result = tl::expected<T, Error>;

using Failure = tl::unexpected<Error>;

// `return fail("open {}", path);`
template <typename... Args>
[[nodiscard]] Failure fail(fmt::format_string<Args...> format, Args&&... args) {
  return Failure(Error(fmt::format(format, std::forward<Args>(args)...)));
}

// A failed system call: `what: strerror(code)`. The overload without a code takes errno as it is now.
[[nodiscard]] Failure fail_errno(std::string_view what, int code);
[[nodiscard]] Failure fail_errno(std::string_view what);

// strerror(3), safe in any thread and signal-free.
std::string describe_errno(int code);

}  // namespace forklift
