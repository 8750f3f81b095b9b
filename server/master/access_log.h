// The files of the access logs. Nothing here ever waits: what a file does not take stays in memory, within a limit, and
// is written when the file takes it again. A line is written whole or not at all.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/throttle.h"
#include "base/unique_fd.h"

namespace forklift::master {

// One file, which several apps may share.
class AccessFile {
 public:
  // Of lines that wait; more are dropped, counted and told of.
  static constexpr std::size_t kHeldBytesMax = 1024 * 1024;
  // So many are written without waiting for flush().
  static constexpr std::size_t kFlushBytes = 64 * 1024;

  // Opens the file; see open_append_file().
  static Result<std::shared_ptr<AccessFile>> open(std::string path);

  // Takes a line, which ends with its newline.
  void write(std::string_view line);

  // Writes what is there, with one system call. Failures, and lines that were dropped, go to the main log.
  void flush();

  // Opens the file by its name again, after it was rotated away. What can be written goes to the old file first. On
  // failure the old file stays in use, the main log says so, and false comes back.
  bool reopen();

  // The last flush: what the file does not take now is dropped, and told of.
  void finish();

  // There is something to write or to tell: flush() has to be called again, new lines or not.
  bool is_waiting() const { return !held_.empty() || dropped_ > 0; }

  // Overwrites the lines that wait.  [worker]
  void forget();

  const std::string& path() const { return path_; }

 private:
  AccessFile(std::string path, UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}

  void take_off(std::size_t written);
  void tell_failure(int code);
  void tell_dropped();

  std::string path_;
  UniqueFd file_;
  std::string held_;           // whole lines
  std::size_t begun_ = 0;      // so many bytes of the first one stand in the file
  unsigned long dropped_ = 0;  // lines that were not told of yet
  Throttle failures_;
  Throttle drops_;
};

// All of them: one a path.
class AccessLogs {
 public:
  // The file of `path`, which is opened if nobody has it yet. It is closed once the last of those who got it has let it
  // go and what it was given is written.
  Result<std::shared_ptr<AccessFile>> open(const std::string& path);

  // To be called once in each turn of the loop.
  void flush();

  // For SIGUSR1: all of them. False if one has failed.
  bool reopen();

  // At the end of the server, after the last line.
  void finish();

  // The lines of all of them, which are nobody's business in a new process.  [worker]
  void forget();

  // Whether flush() has to be called within the next second, also if nothing happens: a file has not taken everything.
  bool wants_retry() const;

 private:
  std::vector<std::shared_ptr<AccessFile>> files_;
};

}  // namespace forklift::master
