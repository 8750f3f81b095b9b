#include "master/access_log.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/append_file.h"
#include "base/clock.h"
#include "base/counted.h"
#include "base/log.h"
#include "base/retry.h"
#include "config/scrub.h"

namespace forklift::master {

Result<std::shared_ptr<AccessFile>> AccessFile::open(std::string path) {
  auto file = open_append_file(path);
  if (!file) return Failure(file.error().in("access log"));
  return std::shared_ptr<AccessFile>(new AccessFile(std::move(path), std::move(*file)));
}

void AccessFile::write(std::string_view line) {
  if (held_.size() + line.size() > kHeldBytesMax) {
    ++dropped_;
    return;
  }
  const bool was_below = held_.size() < kFlushBytes;
  held_ += line;
  // Only as it is crossed: a file that takes nothing is not asked again for each line.
  if (was_below && held_.size() >= kFlushBytes) flush();
}

void AccessFile::flush() {
  if (!held_.empty()) {
    const ssize_t n =
        retry_interrupted([&] { return ::write(file_.get(), held_.data() + begun_, held_.size() - begun_); });
    if (n < 0) return tell_failure(errno);
    take_off(static_cast<std::size_t>(n));
    if (n == 0) return;
  }
  if (dropped_ > 0 && drops_.pass(Clock::now())) tell_dropped();
}

// Only whole lines are forgotten: one that was begun may have to be written from its beginning, to another file.
void AccessFile::take_off(std::size_t written) {
  const std::size_t in_file = begun_ + written;
  const std::size_t newline = in_file == 0 ? held_.npos : held_.rfind('\n', in_file - 1);
  const std::size_t whole = newline == held_.npos ? 0 : newline + 1;
  held_.erase(0, whole);
  begun_ = in_file - whole;
  // What a bad minute has piled up is given back.
  if (held_.empty() && held_.capacity() > 2 * kFlushBytes) std::exchange(held_, {});
}

void AccessFile::tell_failure(int code) {
  if (code == EAGAIN) return;  // a pipe whose reader is slow: no fault until lines are dropped
  if (failures_.pass(Clock::now())) {
    log::error("access log {}: {}; up to {} bytes of lines wait until it can be written again", path_,
               describe_errno(code), kHeldBytesMax);
  }
}

void AccessFile::tell_dropped() {
  if (dropped_ == 0) return;
  log::warning("{} of access log {} dropped, because it could not be written", counted(dropped_, "line"), path_);
  dropped_ = 0;
}

bool AccessFile::reopen() {
  flush();
  auto file = open_append_file(path_);
  if (!file) {
    log::error("access log stays with the file that it has: {}", file.error().message());
    return false;
  }
  // In another file a line that was begun is written from its beginning.
  if (!is_same_file(file_.get(), file->get())) begun_ = 0;
  file_ = std::move(*file);
  flush();
  return true;
}

void AccessFile::finish() {
  flush();
  dropped_ += static_cast<unsigned long>(std::ranges::count(held_, '\n'));
  held_.clear();
  begun_ = 0;
  tell_dropped();
}

void AccessFile::forget() {
  config::scrub(held_);
}

Result<std::shared_ptr<AccessFile>> AccessLogs::open(const std::string& path) {
  const auto found = std::ranges::find(files_, path, [](const auto& file) { return file->path(); });
  if (found != files_.end()) return *found;
  auto file = AccessFile::open(path);
  if (file) files_.push_back(*file);
  return file;
}

void AccessLogs::flush() {
  for (const auto& file : files_) {
    if (file->is_waiting()) file->flush();
  }
  std::erase_if(files_, [](const auto& file) { return file.use_count() == 1 && !file->is_waiting(); });
}

bool AccessLogs::reopen() {
  bool all = true;
  for (const auto& file : files_) all = file->reopen() && all;
  return all;
}

void AccessLogs::finish() {
  for (const auto& file : files_) file->finish();
}

void AccessLogs::forget() {
  for (const auto& file : files_) file->forget();
}

bool AccessLogs::wants_retry() const {
  return std::ranges::any_of(files_, &AccessFile::is_waiting);
}

}  // namespace forklift::master
