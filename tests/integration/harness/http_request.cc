#include "harness/http_request.h"

#include <fmt/format.h>

namespace harness {

HttpRequest& HttpRequest::add(std::string name, std::string value) {
  headers_.emplace_back(std::move(name), std::move(value));
  return *this;
}

HttpRequest& HttpRequest::with_body(Body body) {
  body_ = std::move(body);
  return add("Content-Length", std::to_string(body_.size));
}

std::string HttpRequest::head() const {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", method_, target_);
  for (const auto& [name, value] : headers_) text += fmt::format("{}: {}\r\n", name, value);
  return text + "\r\n";
}

Response fetch(const Endpoint& endpoint, const HttpRequest& request, milliseconds patience, BodySink sink) {
  UniqueFd fd = connect_to(endpoint);
  if (!fd) return Response{};
  return Connection(std::move(fd)).exchange(request.head(), request.body(), request.reader(std::move(sink)), patience);
}

}  // namespace harness
