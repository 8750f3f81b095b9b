// The files that tests use: what was built, what stands in the source tree, and a folder of one's own.
//
// What was built is what is tested: that of the same build, or of the one whose folder the environment variable
// FORKLIFT_TEST_BUILD names. A build with sanitizers is tested so, by the programs of another build: what they look at
// are processes, and their own errors are the unit tests' business.
#pragma once

#include <string>
#include <string_view>

namespace harness {

// Whether the build that is tested has sanitizers, which take memory, and keep what was freed. What cannot be seen with
// them is tested in suites whose name begins with NotSanitized; tests/run leaves them out there.
bool is_sanitized();

std::string server_binary();                                      // build/<preset>/forklift
std::string nginx_binary();                                       // as found when the build was configured
std::string apache_binary();                                      // the same
std::string lighttpd_binary();                                    // the same
std::string systemd_analyze_binary();                             // the same
std::string ip_binary();                                          // the same
std::string plugin_file(std::string_view name);                   // build/<preset>/plugins/NAME.so
std::string fixture_file(std::string_view name);                  // build/<preset>/tests/plugins/NAME.so
std::string program_file(std::string_view name);                  // build/<preset>/tests/programs/NAME
std::string shim_file(std::string_view name);                     // build/<preset>/tests/shim/NAME.so
std::string source_file(std::string_view path);                   // a path relative to the repository
std::string read_file(const std::string& path);                   // throws if it can't
void write_file(const std::string& path, std::string_view text);  // throws if it can't

// A fresh folder, removed with all that is in it. Its path is short: the paths of Unix sockets may have 107 bytes.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace harness
