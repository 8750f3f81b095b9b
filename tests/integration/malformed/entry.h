// The corpus of requests that are wrong, or right in an unusual way: what is sent, and exactly what comes of it.
// tests/integration/corpus/README.md has the format of its files.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "harness/response.h"

namespace harness {

struct Entry {
  // What the client does when it has sent its bytes.
  enum class Client {
    kWaits,       // for the end of the answer
    kHalfCloses,  // and waits
    kCloses,      // at once
    kHolds,       // waits for a timeout of the server
  };

  std::string name;   // FILE/NAME: no other has it
  std::string bytes;  // what is sent
  Client client = Client::kWaits;
  std::string answer;              // all of it; empty where the server says nothing
  Ending ending = Ending::kEof;    // how the connection ends behind it
  std::vector<std::string> lines;  // of the log: level, app and message, with the words that stand for what changes
};

std::ostream& operator<<(std::ostream& out, const Entry& entry);

// All entries of the files FOLDER/*.txt, in the order of the files' names. Throws, naming file and line, where one
// cannot be read.
std::vector<Entry> read_corpus(const std::string& folder);

}  // namespace harness
