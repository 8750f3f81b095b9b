// Sockets that the service manager has bound, and passed to the server when it started it: sd_listen_fds(3).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace forklift::master {

class PassedSockets {
 public:
  // Takes what the environment tells of, and the variables out of it, so that nobody else takes it: not twice, and not
  // in a child. The descriptors become close-on-exec.  [master, once, at the start]
  static Result<PassedSockets> take();

  PassedSockets() = default;

  // The sockets of this name, in the order in which they were passed; there may be several. It is an error if there is
  // none: it names those that there are.
  Result<std::vector<UniqueFd>> claim(const std::string& name);

  // Those that nobody has claimed are told in the log, and closed.
  void close_rest();

 private:
  struct Socket {
    std::string name;
    UniqueFd fd;
  };
  std::vector<Socket> sockets_;
  std::string stranger_;  // whom LISTEN_PID means, where it is not us; empty: us, or nobody
};

// The names of the descriptors from 3 on, from the texts of LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, each nullptr
// where it is not set. None where they are for another process than `own`. Without LISTEN_FDNAMES, all of them are
// `unknown`.
Result<std::vector<std::string>> parse_passed(const char* pid, const char* count, const char* names, pid_t own);

}  // namespace forklift::master
