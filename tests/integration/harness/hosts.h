// Several hosts on one machine: network namespaces (network_namespaces(7)), each joined to the test's own by a pair of
// virtual interfaces. The machine's network is neither used nor changed.
//
// Needs root, with CAP_SYS_ADMIN and CAP_NET_ADMIN. Nothing has to be taken away afterwards: the kernel ends a
// namespace, and the interfaces in it, with the last descriptor and the last process that holds it, however those go.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace harness {

class Hosts {
 public:
  // Makes `count` of them, and one more for the test: the calling thread, and what it starts from now on, is there. To
  // be called from the main thread before there is another one. Throws, and says what is missing.
  explicit Hosts(int count);
  ~Hosts();  // takes the thread back
  Hosts(const Hosts&) = delete;
  Hosts& operator=(const Hosts&) = delete;

  // Its address, which the test's host reaches.
  static std::string address(int host);

  // A command that runs on it what stands behind these words; the process is the same.
  std::vector<std::string> on(int host) const;

 private:
  void join(int host) const;

  forklift::UniqueFd before_;  // where the thread was
  std::vector<forklift::UniqueFd> hosts_;
};

}  // namespace harness
