#include "cli/terminal.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/command.h"

namespace forklift::cli {

void complain(std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

int tell(std::string_view text) noexcept {
  errno = 0;
  const bool is_taken = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (is_taken) return kOk;
  const char* const reason = std::strerror(errno);
  complain("forklift: standard output: ");
  complain(reason);
  complain("\n");
  return kFailed;
}

}  // namespace forklift::cli
