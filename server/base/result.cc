#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace forklift {

std::string describe_errno(int code) {
  const char* text = strerrordesc_np(code);
  return text ? std::string(text) : fmt::format("error {}", code);
}

Failure fail_errno(std::string_view what, int code) {
  return Failure(Error(fmt::format("{}: {}", what, describe_errno(code)), code));
}

Failure fail_errno(std::string_view what) {
  return fail_errno(what, errno);
}

}  // namespace forklift
