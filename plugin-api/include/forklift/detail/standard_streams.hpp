// Part of forklift/cgilike.hpp: standard input and output, for the time of one request.
#ifndef FORKLIFT_DETAIL_STANDARD_STREAMS_HPP
#define FORKLIFT_DETAIL_STANDARD_STREAMS_HPP

#include <fcntl.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ios>
#include <iostream>
#include <memory>
#include <system_error>

namespace forklift {
inline namespace api {
namespace detail {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// A file without a name, on the disk: neither a large body nor a large page takes memory.
class TemporaryFile {
 public:
  TemporaryFile() : file_(std::tmpfile()) {
    if (!file_) throw std::system_error(errno, std::generic_category(), "making a temporary file");
    ::fcntl(fd(), F_SETFD, FD_CLOEXEC);
  }

  int fd() const { return ::fileno(file_.get()); }

  void write(const char* data, std::size_t size) {
    while (size > 0) {
      const ssize_t count = ::write(fd(), data, size);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw std::system_error(errno, std::generic_category(), "writing a temporary file");
      data += count;
      size -= static_cast<std::size_t>(count);
    }
  }
  void rewind() { ::lseek(fd(), 0, SEEK_SET); }

 private:
  std::unique_ptr<std::FILE, CloseFile> file_;
};

// The two files as 0 and 1, with the streams of C and C++ on top of them; at the end 0, 1 and 2 are again what they
// were, whatever was made of them meanwhile. What the streams hold of the one side never reaches the other.
class RequestStreams {
 public:
  RequestStreams(const TemporaryFile& input, const TemporaryFile& output) {
    cin_format_.copyfmt(std::cin);
    cout_format_.copyfmt(std::cout);
    flush();  // to the log
    std::clearerr(stdout);
    std::cout.clear();
    for (int fd = 0; fd < kCount; ++fd) {
      saved_[fd] = ::fcntl(fd, F_DUPFD_CLOEXEC, kCount);
      if (saved_[fd] < 0) fail("keeping a standard descriptor");
    }
    if (::dup2(input.fd(), STDIN_FILENO) < 0 || ::dup2(output.fd(), STDOUT_FILENO) < 0) {
      fail("replacing standard input and output");
    }
    forget_input();
  }
  ~RequestStreams() { restore(); }
  RequestStreams(const RequestStreams&) = delete;
  RequestStreams& operator=(const RequestStreams&) = delete;

  // Writes out what the streams still hold. False if anything that was written to them is lost.
  static bool flush() noexcept {
    try {
      std::cout.flush();
    } catch (...) {  // the program may have asked for exceptions, where badbit says enough
    }
    return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && !std::cout.bad();
  }

 private:
  static constexpr int kCount = 3;

  [[noreturn]] void fail(const char* what) {
    const int code = errno;
    restore();
    throw std::system_error(code, std::generic_category(), what);
  }

  // A descriptor that cannot be had back is closed: the worker then leaves, and nobody takes one thing for another.
  void restore() noexcept {
    flush();
    ::__fpurge(stdout);
    for (int fd = 0; fd < kCount; ++fd) {
      if (saved_[fd] < 0) continue;
      if (::dup2(saved_[fd], fd) < 0) ::close(fd);
      ::close(saved_[fd]);
    }
    std::clearerr(stdout);
    ::__fpurge(stdin);
    std::clearerr(stdin);
    reset(std::cin, cin_format_);
    reset(std::cout, cout_format_);
  }

  static void reset(std::ios& stream, const std::ios& format) noexcept {
    stream.exceptions(std::ios::goodbit);
    stream.clear();
    try {
      stream.copyfmt(format);
    } catch (...) {  // out of memory; the format is a nicety
    }
  }

  // What was read ahead of an earlier request's body, in C and, where they are not the same, in C++. Three steps,
  // because rewind(3) alone finds the beginning in the buffer that it has: the first empties the buffer, the second
  // makes it forget where in the file it was.
  static void forget_input() {
    ::__fpurge(stdin);
    std::fflush(stdin);
    std::rewind(stdin);
    std::cin.rdbuf()->pubseekpos(0, std::ios::in);
  }

  int saved_[kCount] = {-1, -1, -1};
  // Good ones: copyfmt() copies exceptions(), too, which a stream without a buffer would throw at once.
  std::ios cin_format_{std::cin.rdbuf()};
  std::ios cout_format_{std::cout.rdbuf()};
};

}  // namespace detail
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_DETAIL_STANDARD_STREAMS_HPP
