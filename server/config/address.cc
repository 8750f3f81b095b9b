#include "config/address.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/quote.h"
#include "config/paths.h"
#include "config/units.h"

namespace forklift::config {

namespace {

constexpr std::size_t kUnixPathBytesMax = sizeof(sockaddr_un::sun_path) - 1;

// The one spelling of a numeric host; nothing if it isn't one. inet_pton(3) takes neither names nor `127.1` nor octals.
std::optional<std::string> normalize_host(int family, std::string_view host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::inet_pton(family, std::string(host).c_str(), bytes.data()) != 1) return std::nullopt;
  if (!::inet_ntop(family, bytes.data(), text.data(), text.size())) return std::nullopt;
  return text.data();
}

Result<std::uint16_t> parse_port(std::string_view text) {
  const auto port = parse_count(text);
  if (!port) return fail("port {}", port.error().message());
  if (*port > 65535) return fail("port {} is out of range; write 0 to 65535", *port);
  return static_cast<std::uint16_t>(*port);
}

Result<std::vector<Address>> parse_unix(std::string_view path, const std::string& folder) {
  if (path.empty()) return fail("\"unix:\" names no path; write unix:/run/app.sock");
  if (auto shows = check_shows(path); !shows) return Failure(shows.error());
  Address address;
  address.family = Address::Family::kUnix;
  address.path = resolve(path, folder);
  if (auto fits = check_unix_path(address.path); !fits) return Failure(fits.error());
  return std::vector{address};
}

// What FileDescriptorName= of systemd.socket(5) may be.
Result<std::vector<Address>> parse_systemd(std::string_view name) {
  constexpr std::size_t kNameBytesMax = 255;
  if (name.empty()) return fail("\"systemd:\" names no socket; write systemd:web for FileDescriptorName=web");
  const auto is_allowed = [](char c) { return c >= ' ' && c <= '~' && c != ':'; };
  if (name.size() > kNameBytesMax || !std::ranges::all_of(name, is_allowed)) {
    return fail("{} is no name of a socket; FileDescriptorName= takes up to {} ASCII characters but no colon",
                quote(name, 60), kNameBytesMax);
  }
  Address address;
  address.family = Address::Family::kSystemd;
  address.path = name;
  return std::vector{address};
}

Result<std::vector<Address>> parse_tcp(std::string_view host, std::string_view port_text) {
  if (host.starts_with('[') && port_text.ends_with(']')) return fail("has no port; write \"[::1]:4000\"");
  const auto port = parse_port(port_text);
  if (!port) return Failure(port.error());
  const auto tcp4 = [&](std::string text) { return Address{Address::Family::kTcp4, std::move(text), *port, {}}; };
  const auto tcp6 = [&](std::string text) { return Address{Address::Family::kTcp6, std::move(text), *port, {}}; };

  if (host == "localhost" && *port == 0) return std::vector{tcp4("127.0.0.1")};
  if (host == "localhost") return std::vector{tcp4("127.0.0.1"), tcp6("::1")};
  if (host.starts_with('[') && host.ends_with(']')) {
    if (auto numeric = normalize_host(AF_INET6, host.substr(1, host.size() - 2))) return std::vector{tcp6(*numeric)};
  }
  if (auto numeric = normalize_host(AF_INET, host)) return std::vector{tcp4(*numeric)};
  if (host.find(':') != std::string_view::npos && !host.starts_with('[')) {
    return fail("{} has too many colons; an IPv6 address stands in brackets: \"[::1]:4000\"", quote(host));
  }
  return fail("host {} is not numeric; write 127.0.0.1, 0.0.0.0 for all, [::1] or localhost", quote(host));
}

}  // namespace

std::string Address::to_string() const {
  switch (family) {
    case Family::kTcp4: return fmt::format("{}:{}", host, port);
    case Family::kTcp6: return fmt::format("[{}]:{}", host, port);
    // That of a socket which systemd has bound may hold anything.
    case Family::kUnix: return "unix:" + escape_controls(path);
    case Family::kSystemd: break;
  }
  return "systemd:" + path;
}

Result<void> check_unix_path(const std::string& path) {
  if (path.size() <= kUnixPathBytesMax) return {};
  return fail("{} has {} bytes; the path of a Unix socket takes at most {}", quote(path), path.size(),
              kUnixPathBytesMax);
}

Result<std::vector<Address>> parse_address(std::string_view text, const std::string& folder) {
  constexpr std::string_view kUnix = "unix:";
  constexpr std::string_view kSystemd = "systemd:";
  if (text.starts_with(kUnix)) return parse_unix(text.substr(kUnix.size()), folder);
  if (text.starts_with(kSystemd)) return parse_systemd(text.substr(kSystemd.size()));
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
    return parse_tcp("127.0.0.1", text);
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return fail("{} is not an address; write 4000, \"127.0.0.1:4000\" or \"unix:/run/app.sock\"", quote(text));
  }
  return parse_tcp(text.substr(0, colon), text.substr(colon + 1));
}

Address wildcard_of(const Address& address) {
  Address wildcard = address;
  wildcard.host = address.family == Address::Family::kTcp4 ? "0.0.0.0" : "::";
  return wildcard;
}

}  // namespace forklift::config
