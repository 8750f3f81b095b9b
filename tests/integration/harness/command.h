// The commands that talk to a running server: `forklift status FILE` and its kin.
#pragma once

#include <Poco/JSON/Object.h>

#include <string>
#include <vector>

#include "harness/child.h"
#include "harness/files.h"
#include "harness/server.h"
#include "harness/waiting.h"

namespace harness {

// A command while it runs, and what it has said.
class Command {
 public:
  // Starts `forklift WORDS...`, behind the words of `under`, as env(1) and its kin take it.
  explicit Command(const std::vector<std::string>& words, std::vector<std::string> under = {});
  // The same for a server that runs, or ran, from its file: `forklift NAME FILE OPTIONS...`.
  Command(const std::string& name, const Server& server, const std::vector<std::string>& options = {});

  ExitStatus wait(milliseconds patience = 3 * kPatience) { return child_.wait(patience); }
  // Standard output and standard error.
  std::string output() const;
  Child& child() { return child_; }

 private:
  TempDir folder_;
  Child child_;
};

// What `forklift status FILE --json` says. Fails the test, and is empty, where it says nothing.
Poco::JSON::Object::Ptr status_of(const Server& server);

}  // namespace harness
