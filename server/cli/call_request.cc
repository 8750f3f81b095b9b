#include "cli/call_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/quote.h"

namespace forklift::cli {

namespace {

constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && kTokenMarks.find(c) != kTokenMarks.npos);
  });
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

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

// The variables while they are put together: each name once, in the order of the first.
class Builder {
 public:
  void set(std::string_view name, std::string_view value) {
    const auto found = std::ranges::find(all_, name, &Variables::value_type::first);
    if (found != all_.end()) {
      found->second = value;
    } else {
      all_.emplace_back(name, value);
    }
  }
  // A header that comes again is two variables, which the server joins.
  void add(std::string_view name, std::string_view value) { all_.emplace_back(name, value); }

  Variables take() { return std::move(all_); }

 private:
  Variables all_;
};

Result<void> add_header(Builder& variables, std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return fail("the header {} is not Name: value", quote(line));
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  value = value.substr(0, value.find_last_not_of(" \t") + 1);
  if (!is_token(name)) return fail("the header {} has a name that is none", quote(line));
  if (std::ranges::any_of(value, [](char c) { return is_control(c) && c != '\t'; })) {
    return fail("the header {} has a control character in its value", quote(line));
  }
  if (name.find('_') != name.npos) return fail("the header {} has a _ in its name: nginx drops it", quote(line));

  std::string variable = "HTTP_";
  for (const char c : name) variable += c == '-' ? '_' : upper(c);
  if (variable == "HTTP_CONTENT_LENGTH") return fail("Content-Length follows from --data");
  if (variable == "HTTP_PROXY") return fail("the header Proxy is dropped by front servers (httpoxy)");
  if (variable == "HTTP_CONTENT_TYPE") variables.set("CONTENT_TYPE", value);
  if (variable == "HTTP_CONTENT_TYPE" || variable == "HTTP_HOST") {
    variables.set(variable, value);
  } else {
    variables.add(variable, value);
  }
  return {};
}

Result<void> set_variable(Builder& variables, std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == assignment.npos || equals == 0) return fail("the variable {} is not NAME=VALUE", quote(assignment));
  variables.set(assignment.substr(0, equals), assignment.substr(equals + 1));
  return {};
}

}  // namespace

Result<Variables> variables_of(const CallRequest& request) {
  const std::string method = !request.method.empty() ? request.method : request.body ? "POST" : "GET";
  if (!is_token(method)) return fail("the method {} is none", quote(method));
  const std::string_view uri = request.uri;
  if (auto checked = check_uri(uri); !checked) return Failure(checked.error());
  const std::size_t query = std::min(uri.find('?'), uri.size());
  const auto path = decode(uri.substr(0, query)).and_then(normalise);
  if (!path) return Failure(path.error());

  Builder variables;
  const std::string length = std::to_string(request.body ? request.body->size() : 0);
  for (const auto& [name, value] : Variables{
           {"CONTENT_LENGTH", length},
           {"SCGI", "1"},
           {"REQUEST_METHOD", method},
           {"REQUEST_URI", request.uri},
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
       }) {
    variables.set(name, value);
  }
  if (request.body) {
    constexpr std::string_view kForm = "application/x-www-form-urlencoded";
    variables.set("HTTP_CONTENT_LENGTH", length);
    variables.set("CONTENT_TYPE", kForm);
    variables.set("HTTP_CONTENT_TYPE", kForm);
  }
  for (const std::string& header : request.headers) {
    if (auto added = add_header(variables, header); !added) return Failure(added.error());
  }
  for (const std::string& variable : request.variables) {
    if (auto set = set_variable(variables, variable); !set) return Failure(set.error());
  }
  return variables.take();
}

std::string scgi_head(const Variables& variables) {
  std::string block;
  for (const auto& [name, value] : variables) {
    block.append(name).push_back('\0');
    block.append(value).push_back('\0');
  }
  return fmt::format("{}:{},", block.size(), block);
}

}  // namespace forklift::cli
