#include "harness/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <random>
#include <stdexcept>

namespace harness {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

template <typename Sockaddr>
SocketAddress wrap(const Sockaddr& address) {
  SocketAddress result;
  std::memcpy(&result.storage, &address, sizeof address);
  result.size = sizeof address;
  return result;
}

SocketAddress socket_address(const Endpoint& endpoint) {
  if (endpoint.is_unix()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (endpoint.path.size() >= sizeof address.sun_path) throw std::runtime_error("path too long: " + endpoint.path);
    endpoint.path.copy(address.sun_path, endpoint.path.size());
    return wrap(address);
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(endpoint.port);
  if (inet_pton(AF_INET, endpoint.host.c_str(), &v4.sin_addr) == 1) return wrap(v4);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  if (inet_pton(AF_INET6, endpoint.host.c_str(), &v6.sin6_addr) == 1) return wrap(v6);
  throw std::runtime_error("not a numeric address: " + endpoint.host);
}

}  // namespace

Endpoint Endpoint::parse(std::string_view text) {
  Endpoint endpoint;
  if (text.starts_with(kUnixPrefix)) {
    endpoint.path = text.substr(kUnixPrefix.size());
    if (endpoint.is_unix()) return endpoint;
  }
  if (const auto colon = text.rfind(':'); colon != text.npos && colon > 0) {
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    endpoint.host = host;
    const char* end = text.data() + text.size();
    const auto [parsed_to, error] = std::from_chars(text.data() + colon + 1, end, endpoint.port);
    if (error == std::errc{} && parsed_to == end && endpoint.port != 0) return endpoint;
  }
  throw std::runtime_error(fmt::format("not the address of a listener: \"{}\"", text));
}

std::string Endpoint::to_string() const {
  if (is_unix()) return fmt::format("{}{}", kUnixPrefix, path);
  return host.find(':') == host.npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

UniqueFd connect_to(const Endpoint& endpoint) {
  const SocketAddress address = socket_address(endpoint);
  UniqueFd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return {};
  if (connect(fd.get(), address.get(), address.size) != 0) {
    const int error = errno;  // close(2) may change it
    fd.reset();
    errno = error;
    return {};
  }
  if (!endpoint.is_unix()) {
    // What a test sends in pieces shall leave in pieces.
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return fd;
}

std::uint16_t free_port() {
  std::random_device random;
  std::uniform_int_distribution<unsigned> ports(15000, 32000);
  for (int tries = 0; tries < 1000; ++tries) {
    const Endpoint candidate{.host = "127.0.0.1", .port = static_cast<std::uint16_t>(ports(random)), .path = {}};
    const SocketAddress address = socket_address(candidate);
    const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd && bind(fd.get(), address.get(), address.size) == 0) return candidate.port;
  }
  throw std::runtime_error("no free port on 127.0.0.1 between 15000 and 32000");
}

}  // namespace harness
