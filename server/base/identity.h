// Who a worker runs as: numbers only, looked up when its configuration is loaded.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace forklift {

struct Identity {
  bool changes = false;  // false: the worker stays who the master is; user, group and groups say nothing then
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;  // supplementary
  std::string name;           // USER and HOME of the worker's environment; empty where nobody knows
  std::string home;
};

}  // namespace forklift
