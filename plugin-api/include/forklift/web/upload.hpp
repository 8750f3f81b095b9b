// forklift/web/upload.hpp - files that were uploaded; part of forklift/web.hpp
//
// An upload is written to a file without a name (open(2), O_TMPFILE): it takes no memory, nobody else finds it, and it
// is gone when the request is answered or the worker is killed, unless it was given a name by save_as().
#ifndef FORKLIFT_WEB_UPLOAD_HPP
#define FORKLIFT_WEB_UPLOAD_HPP

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <forklift/web/detail/filename.hpp>
#include <forklift/web/multipart.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace forklift {
inline namespace api {
namespace web {

// A name for a file, made of one that a client sent: its last component, behind "/" and "\", without leading dots,
// control characters, what Windows refuses and what is no UTF-8; at most 200 bytes, of which an ending is kept. Never
// empty: "file" where nothing is left. It is safe as a name in a folder of yours, not in HTML (escape it) and not as a
// type: "page.php" stays that, and two uploads may have the same.
inline std::string safe_filename(std::string_view sent) {
  return detail::safe_filename(sent);
}

// A file that was uploaded. Move-only; owns its descriptor.
class UploadedFile {
 public:
  // `fd` becomes the object's.
  UploadedFile(Part part, int fd) : part_(std::move(part)), fd_(fd) {}
  UploadedFile(UploadedFile&& other) noexcept
      : part_(std::move(other.part_)), fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}
  UploadedFile& operator=(UploadedFile&& other) noexcept {
    std::swap(part_, other.part_);
    std::swap(fd_, other.fd_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~UploadedFile() {
    if (fd_ >= 0) ::close(fd_);
  }

  const std::string& name() const { return part_.name; }  // of the form's field
  // As the client says it: any bytes but NUL, CR and LF, "../../etc/passwd" as well.
  std::string_view filename() const { return part_.filename ? std::string_view(*part_.filename) : std::string_view(); }
  std::string safe_filename() const { return web::safe_filename(filename()); }
  // As the client says it: "image/png" may be anything.
  const std::string& content_type() const { return part_.content_type; }
  std::uint64_t size() const { return size_; }

  // Open for reading and writing, close-on-exec, at its beginning. Stays the object's.
  int fd() const { return fd_; }

  // Gives the file a name, at once and whole; its mode is `mode`, whatever the umask. std::system_error if that does
  // not go: EEXIST if there is one of that name (nothing is ever overwritten), EXDEV on another file system than the
  // UploadFolder's, ENOENT also where there is no /proc. A crash of the machine may lose it before fsync(2) of it and
  // of its folder.
  void save_as(const std::string& path, ::mode_t mode = 0600) {
    if (::fchmod(fd_, mode) != 0) fail("changing the mode of an upload");
    const std::string self = "/proc/self/fd/" + std::to_string(fd_);
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      fail("saving an upload as " + path);
    }
  }

  // Appends. For who fills the file.
  void write(std::string_view piece) {
    while (!piece.empty()) {
      const ::ssize_t count = ::write(fd_, piece.data(), piece.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("writing an upload");
      size_ += static_cast<std::uint64_t>(count);
      piece.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  void rewind() {
    if (::lseek(fd_, 0, SEEK_SET) < 0) fail("rewinding an upload");
  }

 private:
  [[noreturn]] static void fail(const std::string& doing) {
    throw std::system_error(errno, std::generic_category(), doing);
  }

  Part part_;
  int fd_;
  std::uint64_t size_ = 0;
};

// The folder whose file system takes uploads while they come. To be made in the plugin's constructor: it tries the
// folder out, so that one that is missing, closed to the worker's user or on a file system without O_TMPFILE refuses to
// serve instead of failing in requests. (The file systems of disks have it, tmpfs and overlayfs too; NFS has not.)
class UploadFolder {
 public:
  explicit UploadFolder(std::string path) : path_(std::move(path)) { make_file({}); }

  const std::string& path() const { return path_; }

  // An empty file for `part`. std::system_error if there is none to be had.
  UploadedFile make_file(Part part) const {
    const int fd = ::open(path_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "making a file for an upload in " + path_);
    return UploadedFile(std::move(part), fd);
  }

 private:
  std::string path_;
};

}  // namespace web
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_WEB_UPLOAD_HPP
