#include "harness/files.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace harness {
namespace {

// The build that is tested.
const std::string& build() {
  static const char* const other = std::getenv("FORKLIFT_TEST_BUILD");
  static const std::string folder = other != nullptr ? other : BINARY_DIR;
  return folder;
}

}  // namespace

bool is_sanitized() {
  static const bool is =
      read_file(build() + "/CMakeCache.txt").find("\nFORKLIFT_SANITIZE:BOOL=ON\n") != std::string::npos;
  return is;
}
std::string server_binary() {
  return build() + "/forklift";
}
std::string nginx_binary() {
  return NGINX_BINARY;
}
std::string apache_binary() {
  return APACHE_BINARY;
}
std::string lighttpd_binary() {
  return LIGHTTPD_BINARY;
}
std::string systemd_analyze_binary() {
  return SYSTEMD_ANALYZE_BINARY;
}
std::string ip_binary() {
  return IP_BINARY;
}
std::string plugin_file(std::string_view name) {
  return build() + "/plugins/" + std::string(name) + ".so";
}
std::string fixture_file(std::string_view name) {
  return build() + "/tests/plugins/" + std::string(name) + ".so";
}
std::string program_file(std::string_view name) {
  return build() + "/tests/programs/" + std::string(name);
}
std::string shim_file(std::string_view name) {
  return build() + "/tests/shim/" + std::string(name) + ".so";
}
std::string source_file(std::string_view path) {
  return SOURCE_DIR "/" + std::string(path);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::system_error(errno, std::generic_category(), path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::system_error(errno, std::generic_category(), path);
}

TempDir::TempDir() {
  std::string pattern = std::filesystem::temp_directory_path() / "forklift-test.XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::system_error(errno, std::generic_category(), pattern);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace harness
