#include "config/paths.h"

#include <Poco/SHA2Engine.h>
#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "base/quote.h"

namespace forklift::config {

namespace fs = std::filesystem;

std::string resolve(std::string_view path, const std::string& folder) {
  return (fs::path(folder) / path).lexically_normal().string();
}

Result<void> check_shows(std::string_view path) {
  if (escape_controls(path) == path) return {};
  return fail("{} holds a character that is not printed; no path here may have one", quote(path, 60));
}

std::string real_path(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  const fs::path real = fs::weakly_canonical(absolute, error);
  // A loop of links or a folder that may not be entered: then the name as it stands is the best that there is.
  return error ? absolute.lexically_normal().string() : real.string();
}

std::string default_runtime_dir(const std::string& real_file, uid_t user, const char* xdg_runtime_dir) {
  Poco::SHA2Engine sha256;
  sha256.update(real_file);
  const std::string id = Poco::DigestEngine::digestToHex(sha256.digest()).substr(0, 12);
  if (user == 0) return fmt::format("/run/forklift/{}", id);
  if (xdg_runtime_dir && xdg_runtime_dir[0] == '/') return resolve(fmt::format("forklift/{}", id), xdg_runtime_dir);
  return fmt::format("/tmp/forklift-{}/{}", user, id);
}

std::string default_control(const std::string& runtime_dir) {
  return resolve("control", runtime_dir);
}

}  // namespace forklift::config
