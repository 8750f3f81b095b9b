// forklift/connection.hpp - the raw connection of a request; part of forklift/plugin.hpp
#ifndef FORKLIFT_CONNECTION_HPP
#define FORKLIFT_CONNECTION_HPP

#include <forklift/plugin.h>

#include <cstddef>
#include <string_view>

namespace forklift {
inline namespace api {

// A connection with one request, for a plugin that speaks SCGI itself. What it may do with it, and how to see to it
// that half a response never looks whole, is said at forklift_plugin.handle_connection.
class Connection {
 public:
  Connection(int fd, const void* head, std::size_t size) : fd_(fd), head_(static_cast<const char*>(head), size) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The socket, which stays the host's: not to be closed, shut down, kept or made non-blocking.
  int fd() const { return fd_; }

  // What the host has taken from it: the request's whole head, and behind it the beginning of its body, or all of it.
  std::string_view head() const { return head_; }

 private:
  int fd_;
  std::string_view head_;
};

}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_CONNECTION_HPP
