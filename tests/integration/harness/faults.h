// System calls of the server that fail, and its wall clock that steps, when a test says so, while it runs.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>

#include "harness/server.h"
#include "shim/faults.h"

namespace harness {

class Faults {
 public:
  static constexpr unsigned kForEver = std::numeric_limits<unsigned>::max();

  // Which calls fail, of those that are made in `places` from now on.
  struct Which {
    unsigned after = 0;         // so many succeed first
    unsigned count = kForEver;  // and so many fail then
    shim_place places = SHIM_EVERYWHERE;
  };

  // For a server that has not been started yet. Nothing fails before fail() is called.
  explicit Faults(Server& server);
  // clear(); fails the test if a fault was set that no call has met.
  ~Faults();
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  // Makes calls fail with `error`, as an errno value. Takes the place of an earlier fault of the same call.
  void fail(shim_call call, int error, const Which& which);
  void fail(shim_call call, int error) { fail(call, error, Which{}); }

  // Sets the server's wall clock, which all its processes ask, to what it really is and so much more.
  void step_clock(seconds ahead);

  // All calls succeed again. The clock stays.
  void clear();

  // How many calls the last fault of `call` has met.
  unsigned failed(shim_call call) const;

 private:
  void withdraw(shim_call call);

  shim_faults* shared_;
};

// The name of a test whose parameter is an errno value.
inline std::string error_name(const testing::TestParamInfo<int>& test) {
  return strerrorname_np(test.param);
}

}  // namespace harness
