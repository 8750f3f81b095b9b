// Requests as a browser sends them, for the front server. One connection each: its end is part of the outcome.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/connection.h"

namespace harness {

class HttpRequest {
 public:
  HttpRequest(std::string method, std::string target) : method_(std::move(method)), target_(std::move(target)) {}

  static HttpRequest get(std::string target) { return HttpRequest("GET", std::move(target)); }
  static HttpRequest post(std::string target, Body body) {
    return HttpRequest("POST", std::move(target)).with_body(std::move(body));
  }

  HttpRequest& add(std::string name, std::string value);
  HttpRequest& with_body(Body body);

  const std::string& method() const { return method_; }
  const Body& body() const { return body_; }

  // Request line and headers; Host, Connection: close and, with a body, Content-Length included.
  std::string head() const;

  ResponseReader reader(BodySink sink = {}) const { return ResponseReader(Dialect::kHttp, method_, std::move(sink)); }

 private:
  std::string method_;
  std::string target_;
  std::vector<std::pair<std::string, std::string>> headers_;
  Body body_;
};

Response fetch(const Endpoint& endpoint, const HttpRequest& request, milliseconds patience = kPatience,
               BodySink sink = {});

}  // namespace harness
