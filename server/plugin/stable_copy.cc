#include "plugin/stable_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include "base/retry.h"
#include "base/unique_fd.h"
#include "plugin/elf.h"

namespace forklift::plugin {
namespace {

constexpr Duration kPause = milliseconds(10);
constexpr Duration kAtRest = milliseconds(100);     // the file may be copied
constexpr Duration kGivenUp = seconds(2);           // a truncated file will not grow any more
constexpr Duration kReappears = milliseconds(200);  // a missing file is being replaced

// An image is memory that nobody can swap out or shrink: a sparse file by mistake must not take all of the machine's.
constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 30;
constexpr std::size_t kChunkBytes = 256 * 1024;

// By what one can see that a file has changed.
struct Stamp {
  dev_t device;
  ino_t inode;
  off_t size;
  std::chrono::nanoseconds modified;  // since the epoch, by the wall clock
  std::chrono::nanoseconds changed;

  bool operator==(const Stamp&) const = default;
};

Stamp stamp_of(const struct stat& status) {
  const auto since_epoch = [](const timespec& time) {
    return seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  return {status.st_dev, status.st_ino, status.st_size, since_epoch(status.st_mtim), since_epoch(status.st_ctim)};
}

// Tells for how long a file has looked as it does now, without having been there all the time.
class Watch {
 public:
  // `now` is the file's stamp, or nothing while there is no file.
  void see(const std::optional<Stamp>& now) {
    if (seen_ && *seen_ == now) return;
    seen_ = now;
    since_ = Clock::now();
  }

  Duration watched() const { return Clock::now() - since_; }

  // By the file's mtime, so that a file from yesterday needs no waiting; a mtime in the future is worth nothing.
  Duration at_rest() const {
    if (!seen_ || !*seen_) return Duration::zero();
    const Duration age = std::chrono::system_clock::now().time_since_epoch() - (*seen_)->modified;
    return std::max(age, watched());
  }

 private:
  std::optional<std::optional<Stamp>> seen_;
  TimePoint since_ = Clock::now();
};

// Why the file was not copied this time, and whether it is worth another try.
struct Setback {
  Error error;
  bool may_pass = false;
};
using Attempt = tl::expected<void, Setback>;
using NotYet = tl::unexpected<Setback>;

NotYet being_written(const std::string& path) {
  return NotYet({Error(path + ": the file is being written; replace it with install(1) or mv"), true});
}

NotYet hopeless(const Error& error) {
  return NotYet({error, false});
}

Result<void> write_all(int to, const char* bytes, std::size_t size, off_t offset) {
  while (size > 0) {
    const ssize_t n = retry_interrupted([&] { return ::pwrite(to, bytes, size, offset); });
    if (n < 0) return fail_errno("write the image");
    bytes += n;
    size -= static_cast<std::size_t>(n);
    offset += n;
  }
  return {};
}

// Copies `size` bytes, or fewer if the file has become shorter: the stamps show that.
Result<void> copy_bytes(const std::string& path, int from, int to, off_t size, TimePoint deadline) {
  if (::ftruncate(to, 0) != 0) return fail_errno("empty the image");
  std::vector<char> buffer(kChunkBytes);
  off_t done = 0;
  while (done < size) {
    if (Clock::now() >= deadline) return fail("{}: only {} of {} bytes could be copied in time", path, done, size);
    const auto wanted = static_cast<std::size_t>(std::min<off_t>(size - done, kChunkBytes));
    const ssize_t n = retry_interrupted([&] { return ::pread(from, buffer.data(), wanted, done); });
    if (n < 0) return fail_errno("read " + path);
    if (n == 0) break;
    if (auto written = write_all(to, buffer.data(), static_cast<std::size_t>(n), done); !written) return written;
    done += n;
  }
  return {};
}

Attempt check_file(const std::string& path, int fd, const Watch& watch) {
  const auto complete = check_complete(fd);
  if (complete) return {};
  if (complete.error().code() == kIncomplete && watch.at_rest() < kGivenUp) return being_written(path);
  const bool is_short = complete.error().code() == kIncomplete;
  return hopeless(Error(fmt::format("{} {}{}", path, complete.error().message(),
                                    is_short ? "; is it still being copied? Replace it by rename" : "")));
}

Attempt try_copy(const std::string& path, int to, TimePoint deadline, Watch& watch) {
  // O_NONBLOCK: to open a FIFO would wait for its writer.
  const UniqueFd from(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!from) {
    const int code = errno;
    watch.see(std::nullopt);
    const Error error(fmt::format("open {}: {}", path, describe_errno(code)), code);
    return NotYet({error, code == ENOENT && watch.watched() < kReappears});
  }
  struct stat status {};
  if (::fstat(from.get(), &status) != 0) return hopeless(fail_errno("stat " + path).value());
  if (S_ISDIR(status.st_mode)) return hopeless(Error(path + " is a directory, not a plugin"));
  if (!S_ISREG(status.st_mode)) return hopeless(Error(path + " is not a regular file"));
  if (static_cast<std::uint64_t>(status.st_size) > kFileBytesMax) {
    return hopeless(
        Error(fmt::format("{} has {} bytes; a plugin has at most {}", path, status.st_size, kFileBytesMax)));
  }
  const Stamp before = stamp_of(status);
  watch.see(before);
  if (watch.at_rest() < kAtRest) return being_written(path);
  if (auto checked = check_file(path, from.get(), watch); !checked) return checked;

  if (auto copied = copy_bytes(path, from.get(), to, status.st_size, deadline); !copied)
    return hopeless(copied.error());
  if (::fstat(from.get(), &status) != 0) return hopeless(fail_errno("stat " + path).value());
  if (stamp_of(status) != before) return being_written(path);
  // A writer through mmap(2) moves no stamp with each of its stores: what counts is what was copied.
  return check_file(path, to, watch);
}

}  // namespace

Result<void> copy_stable(const std::string& path, int to, TimePoint deadline) {
  Watch watch;
  for (;;) {
    const Attempt attempt = try_copy(path, to, deadline, watch);
    if (attempt) return {};
    const TimePoint now = Clock::now();
    if (!attempt.error().may_pass || now >= deadline) return Failure(attempt.error().error);
    std::this_thread::sleep_for(std::min<Duration>(kPause, deadline - now));
  }
}

}  // namespace forklift::plugin
