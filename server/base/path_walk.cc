#include "base/path_walk.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <deque>
#include <filesystem>
#include <utility>

namespace forklift {

namespace {

namespace fs = std::filesystem;

constexpr int kLinksMax = 40;  // as the kernel has it: path_resolution(7)

class Walk {
 public:
  Walk(const std::string& path, const std::function<Result<void>(const Waypoint&)>& judge)
      : path_(path), judge_(judge) {
    put_in_front(path);
  }

  Result<WayEnd> go() {
    if (auto begun = begin_at_root(); !begun) return Failure(begun.error());
    while (!is_at_end()) {
      const std::string name = names_.front();
      names_.pop_front();
      if (name.empty() || name == ".") continue;
      if (auto went = name == ".." ? go_up() : go_to(name); !went) return Failure(went.error());
    }
    return std::move(end_);
  }

 private:
  // The last name may be missing, or be anything; the end is then in the folder where the walk stands.
  bool is_at_end() {
    if (!end_.name.empty()) return true;
    if (!names_.empty()) return false;
    finish(".");
    return true;
  }

  void finish(std::string name, bool is_opened = false) {
    end_ = {.folder = std::move(folder_),
            .name = std::move(name),
            .path = at_.string(),
            .status = status_,
            .is_opened = is_opened};
  }

  bool is_last() const {
    for (const std::string& name : names_) {
      if (!name.empty() && name != ".") return false;
    }
    return true;
  }

  void put_in_front(const fs::path& path) {
    const fs::path relative = path.relative_path();
    names_.insert(names_.begin(), relative.begin(), relative.end());
  }

  [[nodiscard]] Failure failed() const { return fail_errno(path_); }

  Result<void> begin_at_root() {
    at_ = "/";
    UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root || ::fstat(root.get(), &status_) != 0) return failed();
    folder_ = std::move(root);
    return judge_({at_.string(), status_, status_});
  }

  Result<void> go_up() {
    UniqueFd up(::openat(folder_.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!up || ::fstat(up.get(), &status_) != 0) return failed();
    folder_ = std::move(up);
    at_ = at_.parent_path();
    return {};
  }

  Result<void> go_to(const std::string& name) {
    UniqueFd next(::openat(folder_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!next && errno == ENOENT && is_last()) {
      at_ /= name;
      finish(name);
      return {};
    }
    struct stat status {};
    if (!next || ::fstat(next.get(), &status) != 0) return failed();
    if (S_ISDIR(status.st_mode)) {
      // Once more: this mounts what is mounted when somebody comes (automount).
      next.reset(::openat(folder_.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!next || ::fstat(next.get(), &status) != 0) return failed();
    }
    const fs::path path = at_ / name;
    if (auto good = judge_({path.string(), status, status_}); !good) return good;
    if (S_ISLNK(status.st_mode)) return follow(next.get(), name);
    at_ = path;
    if (is_last() && !S_ISDIR(status.st_mode)) {
      finish(name);
      return {};
    }
    folder_ = std::move(next);
    status_ = status;
    return {};
  }

  Result<void> follow(int link, const std::string& name) {
    struct statfs system {};
    if (::fstatfs(link, &system) != 0) return failed();
    if (system.f_type == PROC_SUPER_MAGIC && is_last()) {
      at_ /= name;
      finish(name, true);
      return {};
    }
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(link, "", target.data(), target.size() - 1);
    if (size < 0) return failed();
    if (++links_ > kLinksMax) return fail_errno(path_, ELOOP);
    const fs::path to(std::string(target.data(), static_cast<std::size_t>(size)));
    put_in_front(to);
    return to.is_absolute() ? begin_at_root() : Result<void>{};
  }

  const std::string& path_;
  const std::function<Result<void>(const Waypoint&)>& judge_;
  std::deque<std::string> names_;  // that are still to be taken
  int links_ = 0;

  // The folder where the walk stands.
  UniqueFd folder_;
  fs::path at_;
  struct stat status_ {};

  WayEnd end_;
};

}  // namespace

Result<WayEnd> walk(const std::string& path, const std::function<Result<void>(const Waypoint&)>& judge) {
  return Walk(path, judge).go();
}

}  // namespace forklift
