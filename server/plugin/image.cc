#include "plugin/image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "base/code_path.h"
#include "plugin/stable_copy.h"

// Since Linux 6.3; the headers of Debian 12 are older.
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace forklift::plugin {
namespace {

constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
constexpr std::size_t kLabelBytesMax = 200;  // memfd_create(2) takes 249 bytes

// Whether the loader will be able to map code from the file: a file system that is mounted noexec says no, and so may a
// security module. The file may still be empty.
Result<void> check_executable(int fd) {
  const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* page = ::mmap(nullptr, page_bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  if (page == MAP_FAILED) return fail_errno("it cannot be executed");
  ::munmap(page, page_bytes);
  return {};
}

Result<UniqueFd> open_memory(const std::string& label) {
  const std::string name = "forklift:" + label.substr(0, kLabelBytesMax);
  UniqueFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC));
  // A kernel that does not know MFD_EXEC yet makes every memfd executable.
  if (!fd && errno == EINVAL) fd.reset(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return fail_errno("memfd_create");
  if (auto executable = check_executable(fd.get()); !executable) return Failure(executable.error());
  return fd;
}

// A file without a name in `folder`. Its mode is 0555 and not 0500: a worker opens it after it has become another user,
// and nobody else can, for want of a name.
Result<UniqueFd> open_file(const std::string& folder) {
  constexpr mode_t kMode = 0555;
  UniqueFd fd(::open(folder.c_str(), O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, kMode));
  if (!fd && (errno == EOPNOTSUPP || errno == EISDIR)) {  // not every file system has O_TMPFILE
    std::string name = folder + "/.image-XXXXXX";
    fd.reset(::mkostemp(name.data(), O_CLOEXEC));
    if (fd) ::unlink(name.c_str());
  }
  if (!fd) return fail_errno("create a file");
  if (::fchmod(fd.get(), kMode) != 0) return fail_errno("fchmod");  // the umask has taken part of it
  if (auto executable = check_executable(fd.get()); !executable) return Failure(executable.error());
  return fd;
}

Result<void> seal(int fd) {
  if (::fcntl(fd, F_ADD_SEALS, kSeals) != 0) return fail_errno("seal the image");
  return {};
}

// The same file, but for reading only. The descriptor that could write is closed on return.
Result<UniqueFd> reopen_for_reading(UniqueFd writable) {
  const std::string path = fmt::format("/proc/self/fd/{}", writable.get());
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open the image for reading");
  return fd;
}

}  // namespace

Result<UniqueFd> make_image(const std::string& plugin_path, const std::string& label, const std::string& runtime_dir,
                            TimePoint deadline) {
  // Here, where every image is made: a restart, and another try after a failed start, are no reload that looks at it.
  if (::geteuid() == 0) {
    if (auto safe = check_code_path(plugin_path); !safe) return Failure(safe.error());
  }
  auto memory = open_memory(label);
  if (memory) {
    if (auto copied = copy_stable(plugin_path, memory->get(), deadline); !copied) return Failure(copied.error());
    if (auto sealed = seal(memory->get()); !sealed) return Failure(sealed.error());
    return memory;
  }

  auto file = open_file(runtime_dir);
  if (!file) {
    return fail(
        "no place for the image of {}: memfd: {}; runtime_dir {}: {}; set runtime_dir to a folder whose file system "
        "is mounted without noexec",
        plugin_path, memory.error().message(), runtime_dir, file.error().message());
  }
  if (auto copied = copy_stable(plugin_path, file->get(), deadline); !copied) return Failure(copied.error());
  return reopen_for_reading(std::move(*file));
}

}  // namespace forklift::plugin
