#include "settings.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace cgi {
namespace {

using Tree = forklift::Settings;

// The host takes no longer header block from a plugin.
constexpr std::int64_t kHeadBytesMax = 64 * 1024;
// The end of a program's output and its exit are told one after the other.
constexpr milliseconds kGraceMin{100};
// Longer than this nobody waits for the next request, or for the server's end.
constexpr milliseconds kGraceMax{60'000};
constexpr milliseconds kTimeoutMax = std::chrono::hours(24);

std::string describe(int error) {
  return std::generic_category().message(error);
}

// For C: neither empty nor cut off by a NUL.
std::string text_at(const Tree& node, std::string_view path) {
  const std::string text(node.text(path));
  if (text.empty()) node.refuse(path, "must not be empty");
  if (text.find('\0') != text.npos) node.refuse(path, "must not have a NUL in it");
  return text;
}

std::string absolute_path_at(const Tree& node, std::string_view path) {
  std::string file = text_at(node, path);
  if (file.front() != '/') node.refuse(path, "must be an absolute path");
  while (file.size() > 1 && file.back() == '/') file.pop_back();
  return file;
}

std::string folder_at(const Tree& node, std::string_view path) {
  const std::string folder = absolute_path_at(node, path);
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) node.refuse(path, folder + ": " + describe(errno));
  if (!S_ISDIR(status.st_mode)) node.refuse(path, folder + " is not a folder");
  if (::access(folder.c_str(), X_OK) != 0) node.refuse(path, folder + " cannot be entered: " + describe(errno));
  return folder;
}

// `executable`: whether it has to be. A program that an interpreter runs has to be readable, which only the
// interpreter can tell.
std::string program_at(const Tree& node, std::string_view path, bool executable = true) {
  const std::string file = absolute_path_at(node, path);
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) node.refuse(path, file + ": " + describe(errno));
  if (!S_ISREG(status.st_mode)) node.refuse(path, file + " is not a file");
  if (executable && ::access(file.c_str(), X_OK) != 0)
    node.refuse(path, file + " cannot be executed: " + describe(errno));
  return file;
}

std::string at_of(const Tree& node) {
  const std::string at = text_at(node, "at");
  if (at.front() != '/') node.refuse("at", "must begin with a slash");
  if (at == "/") return at;
  if (at.back() == '/') node.refuse("at", "must not end with a slash");
  for (const char* part : {"//", "/./", "/../"}) {
    if ((at + "/").find(part) != std::string::npos)
      node.refuse("at", "must not have an empty part, \".\" or \"..\" in it");
  }
  return at;
}

bool has_interpreter(const Settings& settings, const std::string& file) {
  return std::any_of(settings.interpreters.begin(), settings.interpreters.end(),
                     [&](const auto& each) { return file.ends_with(each.first); });
}

Mount read_mount(const Tree& node, bool follow, const Settings& settings) {
  node.only({"at", "program", "root", "follow"});
  Mount mount{.at = at_of(node), .program = {}, .root = {}, .follow = node.boolean("follow", follow)};
  const bool has_program = node.kind("program") != FORKLIFT_SETTING_NONE;
  const bool has_root = node.kind("root") != FORKLIFT_SETTING_NONE;
  if (has_program == has_root) node.refuse("", "must have either a program or a root");
  if (has_program && node.kind("follow") != FORKLIFT_SETTING_NONE) node.refuse("follow", "is for mounts with a root");
  if (has_program) {
    const bool interpreted = has_interpreter(settings, std::string(node.text("program")));
    mount.program = program_at(node, "program", !interpreted);
  } else {
    mount.root = folder_at(node, "root");
  }
  return mount;
}

void read_mounts(const Tree& tree, Settings& settings) {
  const bool follow = tree.boolean("follow", false);
  for (const Tree& node : tree.items("mounts")) {
    Mount mount = read_mount(node, follow, settings);
    for (const Mount& other : settings.mounts) {
      if (other.at == mount.at) node.refuse("at", "is the same as another mount's");
    }
    settings.mounts.push_back(std::move(mount));
  }
  if (settings.mounts.empty()) tree.refuse("mounts", "must have at least one mount");
  std::stable_sort(settings.mounts.begin(), settings.mounts.end(),
                   [](const Mount& a, const Mount& b) { return a.at.size() > b.at.size(); });
}

void read_interpreters(const Tree& tree, Settings& settings) {
  for (const auto& [suffix, node] : tree.entries("interpreter")) {
    if (suffix.size() < 2 || suffix.front() != '.' || suffix.find('/') != suffix.npos) {
      node.refuse("", "must be the end of a file's name, such as .php");
    }
    settings.interpreters.emplace_back(suffix, program_at(node, ""));
  }
  std::stable_sort(settings.interpreters.begin(), settings.interpreters.end(),
                   [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
}

void check_name(const Tree& node, std::string_view name) {
  if (name.empty() || name.find('=') != name.npos || name.find('\0') != name.npos) {
    node.refuse("", "is no name of an environment variable");
  }
}

void read_environment(const Tree& tree, Settings& settings) {
  for (const Tree& node : tree.items("pass")) {
    const std::string name(node.text(""));
    check_name(node, name);
    if (const char* value = std::getenv(name.c_str())) {
      settings.environment.emplace_back(name, value);
    } else {
      settings.absent.push_back(name);
    }
  }
  for (const auto& [name, node] : tree.entries("environment")) {
    check_name(node, name);
    const std::string value(node.text(""));
    if (value.find('\0') != value.npos) node.refuse("", "must not have a NUL in it");
    settings.environment.emplace_back(name, value);
  }
}

void read_limits(const Tree& tree, Settings& settings) {
  const Tree limits = tree.at("limits");
  limits.only({"head"});
  const std::int64_t head = limits.bytes("head", kHeadBytesMax);
  if (head < 1 || head > kHeadBytesMax) limits.refuse("head", "must be 1 to 64K");
  settings.head_bytes = static_cast<std::size_t>(head);
}

}  // namespace

Settings read_settings(const forklift::Settings& tree) {
  tree.only({"mounts", "environment", "pass", "interpreter", "timeout", "follow", "grace", "limits"});
  Settings settings;
  settings.timeout = tree.duration("timeout", settings.timeout);
  settings.grace = tree.duration("grace", settings.grace);
  if (settings.grace < kGraceMin || settings.grace > kGraceMax) tree.refuse("grace", "must be 100ms to 1m");
  if (settings.timeout > kTimeoutMax) tree.refuse("timeout", "must be at most 24h, or 0 for none");
  read_limits(tree, settings);
  read_environment(tree, settings);
  read_interpreters(tree, settings);
  read_mounts(tree, settings);
  return settings;
}

}  // namespace cgi
