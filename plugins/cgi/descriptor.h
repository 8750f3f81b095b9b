// A file descriptor with one owner.
#pragma once

#include <utility>

namespace cgi {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Descriptor() { close(); }

  void close();
  int get() const { return fd_; }  // -1 if it is closed, which poll(2) skips
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// The two ends of a pipe, both close-on-exec. std::system_error where there are no descriptors left.
struct Pipe {
  static Pipe make();

  Descriptor read_end;
  Descriptor write_end;
};

// Each end of a pipe is an open file of its own: the other one keeps blocking.
void make_nonblocking(const Descriptor& descriptor);

}  // namespace cgi
