// A request that is answered without a page of a program.
#pragma once

#include <stdexcept>
#include <string>

namespace cgi {

// Thrown as long as nothing of a response is sent: what the client gets, and what the log says.
class Refusal : public std::runtime_error {
 public:
  Refusal(int status, const std::string& reason) : std::runtime_error(reason), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

}  // namespace cgi
