#include "cli/project.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/quote.h"
#include "base/replace.h"
#include "base/retry.h"
#include "base/unique_fd.h"
#include "cli/templates.h"

namespace forklift::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNameBytesMax = 63;

// What CMake's generators and CTest make (cmake-policies(7), CMP0037).
constexpr std::string_view kTargets[] = {"all",     "clean",          "depend",     "edit_cache",    "help", "install",
                                         "package", "package_source", "preinstall", "rebuild_cache", "test"};

// What comes with Rust.
constexpr std::string_view kCrates[] = {"alloc", "core", "proc_macro", "std"};

// Those that our templates use.
constexpr std::string_view kTypes[] = {"body",   "box",  "default", "drop",   "env", "err",    "failure",
                                       "host",   "none", "ok",      "option", "out", "plugin", "refusal",
                                       "result", "self", "some",    "string", "vec"};

std::string identifier_of(std::string_view name) {
  std::string identifier(name);
  std::ranges::replace(identifier, '-', '_');
  return identifier;
}

std::string class_of(std::string_view name) {
  std::string result;
  bool is_first = true;
  for (const char c : name) {
    const bool is_letter = c >= 'a' && c <= 'z';
    if (c != '-' && c != '_') result += is_first && is_letter ? static_cast<char>(c - 'a' + 'A') : c;
    is_first = c == '-' || c == '_';
  }
  return result;
}

// Who has a name already that the project called `name` would give away; empty: nobody.
std::string_view owner_of(std::string_view name) {
  const auto is_same = [&](auto form) { return [=](std::string_view taken) { return form(taken) == form(name); }; };
  if (std::ranges::find(kTargets, name) != std::end(kTargets)) return "CMake has a target";
  if (std::ranges::any_of(kCrates, is_same(identifier_of))) return "Rust has a crate";
  if (std::ranges::any_of(kTypes, is_same(class_of))) return "the plugin's source has a type";
  return {};
}

// A folder that is removed, with what is in it, unless it was kept.
class Draft {
 public:
  explicit Draft(std::string path) : path_(std::move(path)) {}
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  void keep() { path_.clear(); }

 private:
  std::string path_;
};

Result<void> write_file(const fs::path& path, std::string_view text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return fail_errno(escape_controls(path.parent_path().string()), error.value());
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file) return fail_errno(escape_controls(path.string()));
  while (!text.empty()) {
    const ssize_t n = retry_interrupted([&] { return ::write(file.get(), text.data(), text.size()); });
    if (n < 0) return fail_errno(escape_controls(path.string()));
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::close(file.release()) == 0 ? Result<void>() : fail_errno(escape_controls(path.string()));
}

// mkdtemp(3) lets nobody else in.
Result<void> give_usual_mode(const std::string& folder) {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return ::chmod(folder.c_str(), 0777 & ~mask) == 0 ? Result<void>() : fail_errno(escape_controls(folder));
}

}  // namespace

Result<void> check_project_name(std::string_view name) {
  const bool begins_well = !name.empty() && name[0] >= 'a' && name[0] <= 'z';
  const bool has_good_letters = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == name.npos;
  if (!begins_well || !has_good_letters) {
    return fail("the name {} is not a letter and then letters, digits, _ and - (a-z alone)",
                quote(name, kNameBytesMax));
  }
  if (name.size() > kNameBytesMax) return fail("the name has {} bytes: more than {}", name.size(), kNameBytesMax);
  const std::string_view owner = owner_of(name);
  if (owner.empty()) return {};
  return fail("the name \"{}\" is taken: {} that is called so; choose another, such as \"my-{}\"", name, owner, name);
}

std::vector<ProjectFile> project_files(std::string_view language, std::string_view name) {
  std::vector<ProjectFile> files;
  for (const Template& each : all_templates()) {
    if (each.language != language) continue;
    ProjectFile& file = files.emplace_back(ProjectFile{std::string(each.path), std::string(each.text)});
    replace_all(file.path, "NAME", name);
    replace_all(file.text, "@NAME@", name);
    replace_all(file.text, "@IDENTIFIER@", identifier_of(name));
    replace_all(file.text, "@CLASS@", class_of(name));
  }
  return files;
}

Result<std::string> make_project(const std::string& directory, const std::string& name,
                                 const std::vector<ProjectFile>& files) {
  const std::string folder = (fs::path(directory) / name).string();
  std::error_code error;
  if (fs::exists(fs::symlink_status(folder, error))) return fail("{} is there already", escape_controls(folder));

  std::string path = (fs::path(directory) / fmt::format(".{}.XXXXXX", name)).string();
  if (::mkdtemp(path.data()) == nullptr) return fail_errno(escape_controls(directory.empty() ? "." : directory));
  Draft draft(path);
  for (const ProjectFile& file : files) {
    if (auto written = write_file(fs::path(path) / file.path, file.text); !written) return Failure(written.error());
  }
  if (auto opened = give_usual_mode(path); !opened) return Failure(opened.error());
  // Somebody else may have made one meanwhile.
  int result = ::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, folder.c_str(), RENAME_NOREPLACE);
  if (result != 0 && errno == EINVAL) result = ::rename(path.c_str(), folder.c_str());  // NFS and others
  if (result != 0) {
    if (errno == EEXIST || errno == ENOTEMPTY) return fail("{} is there already", escape_controls(folder));
    return fail_errno(escape_controls(folder));
  }
  draft.keep();
  return folder;
}

}  // namespace forklift::cli
