// A server whose app is the plugin `cgi` with a folder of programs that the test writes.
#pragma once

#include <string>
#include <string_view>

#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {

// The line of a program for sh(1) that writes the head of its page.
inline const std::string kPlain = "printf 'Content-Type: text/plain\\n\\n'\n";

class CgiSite {
 public:
  // `settings`: keys of the plugin beside `mounts`, one a line. `more`: keys of the app. Listeners: 0 is TCP, 1 Unix,
  // 2 and 3 the same with `half_close: abort`.
  explicit CgiSite(const std::string& settings = {}, const std::string& more = {});

  // Writes a program into the folder that is mounted at /bin. A text without a first line of its own is one for sh(1).
  void add(std::string_view name, const std::string& text, unsigned mode = 0755) const;

  // One request for the program `name`, perhaps with a path and a query behind it. `listener` as above.
  Response get(const std::string& name, std::size_t listener = 0);
  Response post(const std::string& name, std::string body, std::size_t listener = 0);

  const Endpoint& listener(std::size_t index) const { return server_.listener("app", index); }
  Server& server() { return server_; }
  const TempDir& folder() const { return folder_; }

  // Waits until no program and no keeper is left, only the master and its workers.
  bool has_no_programs(milliseconds patience = kPatience) const;
  // The number that a program has written to a file of the folder.
  pid_t pid_in(const std::string& name) const;

 private:
  TempDir folder_;
  Server server_;
};

}  // namespace harness
