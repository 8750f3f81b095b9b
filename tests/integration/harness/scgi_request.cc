#include "harness/scgi_request.h"

#include <algorithm>

namespace harness {

ScgiRequest::ScgiRequest(std::string method, const std::string& uri) : method_(std::move(method)) {
  add("CONTENT_LENGTH", "0");
  add("SCGI", "1");
  add("REQUEST_METHOD", method_);
  add("REQUEST_URI", uri);
  if (const auto question_mark = uri.find('?'); question_mark != uri.npos) {
    add("QUERY_STRING", uri.substr(question_mark + 1));
  }
}

ScgiRequest& ScgiRequest::add(std::string name, std::string value) {
  variables_.emplace_back(std::move(name), std::move(value));
  return *this;
}

ScgiRequest& ScgiRequest::set(const std::string& name, std::string value) {
  const auto found = std::find_if(variables_.begin(), variables_.end(), [&](const auto& v) { return v.first == name; });
  if (found == variables_.end()) return add(name, std::move(value));
  found->second = std::move(value);
  return *this;
}

ScgiRequest& ScgiRequest::with_body(Body body) {
  body_ = std::move(body);
  return promise(body_.size);
}

ScgiRequest& ScgiRequest::promise(std::uint64_t content_length) {
  return set("CONTENT_LENGTH", std::to_string(content_length));
}

std::string ScgiRequest::head() const {
  std::string block;
  for (const auto& [name, value] : variables_) {
    block.append(name).push_back('\0');
    block.append(value).push_back('\0');
  }
  return std::to_string(block.size()) + ":" + block + ",";
}

std::string ScgiRequest::bytes() const {
  std::string result = head();
  const std::size_t head_bytes = result.size();
  result.resize(head_bytes + body_.size);
  if (body_.size > 0) body_.fill(0, result.data() + head_bytes, body_.size);
  return result;
}

Response fetch(const Endpoint& endpoint, const ScgiRequest& request, milliseconds patience, BodySink sink) {
  UniqueFd fd = connect_to(endpoint);
  if (!fd) return Response{};
  return Connection(std::move(fd)).exchange(request.head(), request.body(), request.reader(std::move(sink)), patience);
}

}  // namespace harness
