// The files that tests use: what was built, what stands in the source tree, and a folder of one's own.
#pragma once

#include <string>
#include <string_view>

namespace harness {

std::string server_binary();                                      // build/<preset>/forklift
std::string nginx_binary();                                       // as found when the build was configured
std::string apache_binary();                                      // the same
std::string lighttpd_binary();                                    // the same
std::string systemd_analyze_binary();                             // the same
std::string ip_binary();                                          // the same
std::string plugin_file(std::string_view name);                   // build/<preset>/plugins/NAME.so
std::string fixture_file(std::string_view name);                  // build/<preset>/tests/plugins/NAME.so
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
