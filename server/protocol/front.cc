#include "protocol/front.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/quote.h"
#include "protocol/characters.h"

namespace forklift::protocol {

namespace {

Result<void> check_uri(std::string_view uri) {
  if (!uri.starts_with('/')) return fail("the URI {} does not begin with /", quote(uri));
  if (std::ranges::any_of(uri, [](char c) { return is_control(c) || c == ' '; })) {
    return fail("the URI {} has a blank or a control character in it: write %20 for a blank", quote(uri));
  }
  if (uri.find('#') != uri.npos) return fail("the URI {} has a fragment, which clients keep to themselves", quote(uri));
  return {};
}

// Percent-decoded (RFC 3986, 2.1).
Result<std::string> decode(std::string_view path) {
  std::string decoded;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      decoded += path[i];
      continue;
    }
    const std::string_view digits = path.substr(i + 1, 2);
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2 || value == 0) {
      return fail("the URI has the escape {}, which nginx answers with 400", quote(path.substr(i, 3)));
    }
    decoded += static_cast<char>(value);
    i += 2;
  }
  return decoded;
}

// Without repeated slashes, `.` and `..` (RFC 3986, 5.2.4).
Result<std::string> normalise(std::string_view path) {
  std::vector<std::string_view> parts;
  bool ends_open = false;  // with a slash
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(part.size());
    ends_open = part.empty() || part == "." || part == "..";
    if (part == "..") {
      if (parts.empty()) return fail("the URI leads above /, which nginx answers with 400");
      parts.pop_back();
    } else if (!ends_open) {
      parts.push_back(part);
    }
  }
  std::string result;
  for (const std::string_view part : parts) result += fmt::format("/{}", part);
  return ends_open || result.empty() ? result + "/" : result;
}

}  // namespace

Result<Variables> front_variables(std::string_view method, std::string_view uri) {
  if (auto checked = check_uri(uri); !checked) return Failure(checked.error());
  const std::size_t query = std::min(uri.find('?'), uri.size());
  const auto path = decode(uri.substr(0, query)).and_then(normalise);
  if (!path) return Failure(path.error());
  return Variables{
      {"CONTENT_LENGTH", "0"},
      {"SCGI", "1"},
      {"REQUEST_METHOD", std::string(method)},
      {"REQUEST_URI", std::string(uri)},
      {"QUERY_STRING", std::string(uri.substr(std::min(query + 1, uri.size())))},
      {"CONTENT_TYPE", ""},
      {"DOCUMENT_URI", *path},
      {"DOCUMENT_ROOT", "/var/www/html"},
      {"SERVER_PROTOCOL", "HTTP/1.1"},
      {"REQUEST_SCHEME", "http"},
      {"REMOTE_ADDR", "127.0.0.1"},
      {"REMOTE_PORT", "49152"},
      {"SERVER_PORT", "80"},
      {"SERVER_NAME", "localhost"},
      {"HTTP_HOST", "localhost"},
  };
}

std::string scgi_head(const Variables& variables) {
  std::string block;
  for (const auto& [name, value] : variables) {
    block.append(name).push_back('\0');
    block.append(value).push_back('\0');
  }
  return fmt::format("{}:{},", block.size(), block);
}

}  // namespace forklift::protocol
