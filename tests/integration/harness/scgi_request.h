// Requests as an SCGI front server writes them, and as none should.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/connection.h"

namespace harness {

class ScgiRequest {
 public:
  // A request with CONTENT_LENGTH, SCGI, REQUEST_METHOD, REQUEST_URI and, where the URI has one, QUERY_STRING.
  explicit ScgiRequest(std::string method, const std::string& uri);

  static ScgiRequest get(const std::string& uri) { return ScgiRequest("GET", uri); }
  static ScgiRequest post(const std::string& uri, Body body) {
    return ScgiRequest("POST", uri).with_body(std::move(body));
  }
  static ScgiRequest post(const std::string& uri, std::string body) { return post(uri, text_body(std::move(body))); }

  // Appends a variable, even if there is one of that name.
  ScgiRequest& add(std::string name, std::string value);
  // Changes a variable that is there, or appends it.
  ScgiRequest& set(const std::string& name, std::string value);

  // The body, and CONTENT_LENGTH with it.
  ScgiRequest& with_body(Body body);
  // CONTENT_LENGTH alone: a promise that the body may break.
  ScgiRequest& promise(std::uint64_t content_length);

  const std::string& method() const { return method_; }
  const Body& body() const { return body_; }

  // The netstring of the variables, in their order.
  std::string head() const;
  // Head and body, for bodies that fit into memory.
  std::string bytes() const;

  ResponseReader reader(BodySink sink = {}) const { return ResponseReader(Dialect::kScgi, method_, std::move(sink)); }

 private:
  std::string method_;
  std::vector<std::pair<std::string, std::string>> variables_;
  Body body_;
};

// One request on a connection of its own. Never throws for what a server may do: a refused connection is an outcome.
Response fetch(const Endpoint& endpoint, const ScgiRequest& request, milliseconds patience = kPatience,
               BodySink sink = {});

}  // namespace harness
