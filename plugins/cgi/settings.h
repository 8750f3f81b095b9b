// What the YAML says of an app's programs; README.md beside this file is for those who write it.
#pragma once

#include <chrono>
#include <cstddef>
#include <forklift/settings.hpp>
#include <string>
#include <utility>
#include <vector>

namespace cgi {

using std::chrono::milliseconds;

// Where in the path of a URI programs are. Either `program` or `root` is set.
struct Mount {
  std::string at;       // "/", or "/git" without a slash at its end
  std::string program;  // one program for all paths below `at`; absolute
  std::string root;     // a folder of programs; absolute
  bool follow = false;  // symbolic links that lead out of `root`
};

struct Settings {
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  std::vector<Mount> mounts;        // the longest `at` first
  Pairs environment;                // what `pass` has found in the worker's environment, then `environment`
  Pairs interpreters;               // by suffix (".php"), the longest first
  std::vector<std::string> absent;  // names in `pass` that the worker's environment does not have
  milliseconds timeout{50'000};     // 0: none
  milliseconds grace{5'000};
  std::size_t head_bytes = 64 * 1024;
};

// forklift::SettingError, with the path, for whatever is missing, unknown or wrong; also for programs and folders that
// are not there, which is why it runs as the app's user.
Settings read_settings(const forklift::Settings& tree);

}  // namespace cgi
