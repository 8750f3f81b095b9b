// A master that stands still: what happens meanwhile has happened at once when it goes on.
#pragma once

#include <csignal>

#include "harness/processes.h"
#include "harness/server.h"
#include "harness/waiting.h"

namespace harness {

// Stops the master (SIGSTOP) for as long as this object lives.
class Freeze {
 public:
  explicit Freeze(Server& server) : server_(server) {
    server_.signal(SIGSTOP);
    EXPECT_TRUE(eventually([&] {
      const auto master = find_process(server_.pid());
      return master && master->state == 'T';
    }));
  }
  ~Freeze() { server_.signal(SIGCONT); }
  Freeze(const Freeze&) = delete;
  Freeze& operator=(const Freeze&) = delete;

 private:
  Server& server_;
};

}  // namespace harness
