#include "mounts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <system_error>

#include "refusal.h"
#include "text.h"

namespace cgi {
namespace {

// Of a path, in the log.
constexpr std::size_t kShownBytes = 300;

std::string describe(int error) {
  return std::generic_category().message(error);
}

// Whether `at` is the beginning of `path`, up to a slash or the end.
bool leads_to(std::string_view at, std::string_view path) {
  if (at == "/") return true;
  return path.starts_with(at) && (path.size() == at.size() || path[at.size()] == '/');
}

// The first one is the longest.
const Mount* find_mount(const Settings& settings, const Request& request) {
  const auto found = std::find_if(settings.mounts.begin(), settings.mounts.end(),
                                  [&](const Mount& mount) { return leads_to(mount.at, request.path); });
  return found == settings.mounts.end() ? nullptr : &*found;
}

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  return real ? real.get() : "";
}

[[noreturn]] void refuse_for(int error, const std::string& file) {
  const bool forbidden = error == EACCES || error == EPERM;
  throw Refusal(forbidden ? 403 : 404, quote(file, kShownBytes) + ": " + describe(error));
}

// What is at `file`, links followed.
mode_t kind_of(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) refuse_for(errno, file);
  return status.st_mode;
}

// A link must not lead out, not even on the way to something: what is there is nobody's business.
void check_link(const std::string& file, const Mount& mount) {
  struct stat status {};
  if (mount.follow || ::lstat(file.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return;
  const std::string real = real_path(file);
  if (real.empty()) refuse_for(errno, file);
  const std::string root = real_path(mount.root);
  if (root.empty()) refuse_for(errno, mount.root);
  const bool inside = leads_to(root, real);
  if (!inside) throw Refusal(403, quote(file, kShownBytes) + " is a link that leads out of the root (see `follow`)");
}

// How much of `path` leads to a file; it is in `file` then.
std::size_t walk(const Mount& mount, std::string_view path, std::string& file) {
  file = mount.root == "/" ? "" : mount.root;
  std::size_t taken = 0;
  while (taken < path.size()) {
    const std::size_t start = taken + 1;  // behind the slash
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = path.substr(start, end - start);
    taken = end;
    if (part.empty()) continue;  // slashes that stand together are one
    if (part == ".") throw Refusal(404, "the path " + quote(path) + " has a part \".\"");
    file.append("/").append(part);
    check_link(file, mount);
    const mode_t kind = kind_of(file);
    if (S_ISREG(kind)) return taken;
    if (!S_ISDIR(kind)) throw Refusal(403, quote(file, kShownBytes) + " is neither a file nor a folder");
  }
  throw Refusal(403, quote(file.empty() ? "/" : file, kShownBytes) + " is a folder, and no program");
}

std::string interpreter_of(const Settings& settings, const std::string& file) {
  for (const auto& [suffix, interpreter] : settings.interpreters) {
    if (file.ends_with(suffix)) return interpreter;
  }
  return {};
}

}  // namespace

bool has_mount(const Settings& settings, const Request& request) {
  return find_mount(settings, request) != nullptr;
}

Target find_program(const Settings& settings, const Request& request) {
  const Mount* const found = find_mount(settings, request);
  if (found == nullptr) {
    throw Refusal(404, "no mount for the path " + quote(request.path) + " (from " + request.from +
                           (request.base.empty() ? ")" : ", behind the SCRIPT_NAME " + quote(request.base) + ")"));
  }
  const Mount& mount = *found;
  const std::size_t before = mount.at == "/" ? 0 : mount.at.size();
  const std::string_view rest = std::string_view(request.path).substr(before);

  Target target;
  std::size_t taken = 0;
  if (!mount.program.empty()) {
    target.file = mount.program;
    if (!S_ISREG(kind_of(target.file))) throw Refusal(403, quote(target.file, kShownBytes) + " is not a file");
  } else {
    taken = walk(mount, rest, target.file);
  }
  target.script_name = request.base + request.path.substr(0, before + taken);
  target.path_info = rest.substr(taken);
  target.interpreter = interpreter_of(settings, target.file);
  const int needed = target.interpreter.empty() ? X_OK : R_OK;
  if (::access(target.file.c_str(), needed) != 0) {
    throw Refusal(403, quote(target.file, kShownBytes) + " cannot be " + (needed == X_OK ? "executed: " : "read: ") +
                           describe(errno));
  }
  return target;
}

}  // namespace cgi
