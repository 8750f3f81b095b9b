#include "spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace cgi {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;

const char* temporary_folder() {
  const char* folder = std::getenv("TMPDIR");
  return folder == nullptr || *folder == '\0' ? "/tmp" : folder;
}

[[noreturn]] void fail(const char* doing) {
  const int code = errno;
  throw std::system_error(code, std::generic_category(),
                          std::string(doing) + " a temporary file in " + temporary_folder() + " (TMPDIR)");
}

Descriptor make_file() {
  const char* folder = temporary_folder();
  if (const int fd = ::open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); fd >= 0) return Descriptor(fd);
  // Not every file system has it (open(2)).
  std::string name = std::string(folder) + "/forklift-cgi-XXXXXX";
  Descriptor file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file) fail("making");
  ::unlink(name.c_str());
  return file;
}

}  // namespace

void Spool::append(std::string_view bytes) {
  if (used_ >= kPieceBytes) {
    memory_.erase(0, used_);
    used_ = 0;
  }
  const bool has_file = read_at_ < write_at_;
  const std::size_t room = has_file ? 0 : memory_bytes_ - std::min(memory_bytes_, memory_.size() - used_);
  memory_.append(bytes.substr(0, room));
  size_ += std::min(room, bytes.size());
  if (bytes.size() > room) append_to_file(bytes.substr(room));
}

void Spool::append_to_file(std::string_view bytes) {
  if (!file_) file_ = make_file();
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(write_at_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("writing");
    write_at_ += static_cast<std::uint64_t>(n);
    size_ += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string_view Spool::front() {
  if (used_ == memory_.size()) load();
  return std::string_view(memory_).substr(used_);
}

// From the file into memory, which is empty.
void Spool::load() {
  memory_.clear();
  used_ = 0;
  if (read_at_ == write_at_) return;
  memory_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, write_at_ - read_at_)));
  ssize_t n = 0;
  do {
    n = ::pread(file_.get(), memory_.data(), memory_.size(), static_cast<off_t>(read_at_));
  } while (n < 0 && errno == EINTR);
  if (n <= 0) fail("reading");
  memory_.resize(static_cast<std::size_t>(n));
  read_at_ += static_cast<std::uint64_t>(n);
  if (read_at_ < write_at_) return;
  read_at_ = write_at_ = 0;  // the file begins anew
}

void Spool::drop(std::size_t count) {
  used_ += count;
  size_ -= count;
  if (used_ < memory_.size()) return;
  memory_.clear();
  used_ = 0;
}

}  // namespace cgi
