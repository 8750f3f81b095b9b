// Where the corpus is played: a server of its own, and the lines that its log gets of each entry.
#pragma once

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "harness/server.h"
#include "malformed/entry.h"

namespace harness {

// How an entry's bytes leave the client.
enum class Sending { kWhole, kBytewise };

class Stage {
 public:
  // Starts a server with the fixture repeats_request as two apps, each on TCP and on a Unix socket: `quick`, whose
  // single worker makes the order of the log certain, and `held` with short timeouts for those who wait for them.
  Stage();

  // Plays the entries, one after the other over each kind of socket, and those that hold their connection at the end,
  // all at once. Checks what the clients get, and what the log says.
  void play(const std::vector<Entry>& corpus, Sending sending);

  // What play() has found in the log, without times and pids.
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  void play_in_turn(const Entry& entry, Sending sending);
  void play_together(const std::vector<Entry>& corpus);
  std::vector<std::string> await_lines(const std::string& name, std::size_t count);
  void read_log();

  Server server_;
  std::ifstream log_;
  std::vector<std::string> unclaimed_;  // lines of the log, normalised
  std::vector<std::string> lines_;
};

}  // namespace harness
