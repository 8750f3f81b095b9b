#include "cli/call_request.h"

#include <algorithm>

#include "base/quote.h"
#include "protocol/characters.h"

namespace forklift::cli {

namespace {

using protocol::is_token;

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// The variables while they are put together: each name once, in the order of the first.
class Builder {
 public:
  explicit Builder(Variables all) : all_(std::move(all)) {}
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
  if (!is_token(name)) {
    return fail("the header {} has no name that a header can have: expected letters, digits and -", quote(line));
  }
  if (std::ranges::any_of(value, [](char c) { return protocol::is_control(c) && c != '\t'; })) {
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
  if (!is_token(method)) return fail("the method {} is none: expected a word, such as GET", quote(method));
  auto basic = protocol::front_variables(method, request.uri);
  if (!basic) return Failure(basic.error());
  Builder variables(std::move(*basic));
  const std::string length = std::to_string(request.body ? request.body->size() : 0);
  variables.set("CONTENT_LENGTH", length);
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

}  // namespace forklift::cli
