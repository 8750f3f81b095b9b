// Part of forklift/cgilike.hpp: the process's environment, for the time of one request.
#ifndef FORKLIFT_DETAIL_ENVIRONMENT_HPP
#define FORKLIFT_DETAIL_ENVIRONMENT_HPP

#include <unistd.h>

#include <cstdlib>
#include <forklift/request.hpp>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace forklift {
inline namespace api {
namespace detail {

// Whether a request's variable may stand in an environment: no front server means to say the worker's own programs,
// loader or shell anything. HTTP_PROXY is the client's header `Proxy`, which libraries take for a setting (httpoxy).
inline bool may_enter_environment(std::string_view name) {
  return !name.empty() && name.find('=') == name.npos && name.substr(0, 3) != "LD_" && name != "HTTP_PROXY" &&
         name != "PATH" && name != "IFS" && name != "ENV" && name != "BASH_ENV";
}

// The environment with a request's variables on top of those that the process had; as it was again at the end, whatever
// was done to it meanwhile. By clearenv(3) and putenv(3) alone: setenv(3) keeps every value that it has ever been
// given, and would free the array behind an `environ` that was put aside.
class RequestEnvironment {
 public:
  explicit RequestEnvironment(const Env& env) {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) before_.push_back(*entry);
    own_.assign(before_.begin(), before_.end());  // copies: programs cut the strings of an environment into pieces
    own_.emplace_back("GATEWAY_INTERFACE=CGI/1.1");
    for (const auto [name, value] : env) {
      if (may_enter_environment(name)) own_.push_back(std::string(name).append("=").append(value));
    }
    ::clearenv();
    for (std::string& entry : own_) {
      if (::putenv(entry.data()) == 0) continue;
      restore();
      throw std::bad_alloc();
    }
  }
  ~RequestEnvironment() { restore(); }
  RequestEnvironment(const RequestEnvironment&) = delete;
  RequestEnvironment& operator=(const RequestEnvironment&) = delete;

 private:
  void restore() noexcept {
    ::clearenv();
    for (char* entry : before_) ::putenv(entry);
  }

  std::vector<char*> before_;
  std::vector<std::string> own_;
};

}  // namespace detail
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_DETAIL_ENVIRONMENT_HPP
