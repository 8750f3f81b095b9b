// forklift/testing/request.hpp - a request, and what its client does; part of forklift/testing.hpp
#ifndef FORKLIFT_TESTING_REQUEST_HPP
#define FORKLIFT_TESTING_REQUEST_HPP

#include <forklift/plugin.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <forklift/testing/text.hpp>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forklift {
namespace testing {

// How the client behaves. The request's functions fill it in.
struct Client {
  static constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

  // The body: `length` bytes, `pattern` again and again. So many of them come; what follows is one of FORKLIFT_ESHORT,
  // FORKLIFT_ETIMEOUT, FORKLIFT_EGONE. They come in pieces.
  std::uint64_t length = 0;
  std::string pattern;
  std::uint64_t sends = kAll;
  int sends_no_more = FORKLIFT_ESHORT;
  std::uint64_t sends_at_once = kAll;

  // The response, head included: so many bytes are taken; what follows is FORKLIFT_ETIMEOUT or FORKLIFT_EGONE. The
  // connection has room for a piece of it at a time.
  std::uint64_t takes = kAll;
  int takes_no_more = FORKLIFT_EGONE;
  std::uint64_t takes_at_once = kAll;

  // timeouts.body and timeouts.write. Shorter than a server's: a test has to live through them where the plugin also
  // waits for descriptors of its own. Where nothing else can happen, they are over at once.
  std::chrono::milliseconds patience{1000};
};

// A request as a front server would hand it on. Each function returns the request, so they can be written in a row.
//
//     Request("POST", "/shop?x=1").header("Cookie", "id=7").body("a=b", "application/x-www-form-urlencoded")
//
// The variables are those of conf/nginx.conf: CONTENT_LENGTH, SCGI, REQUEST_METHOD, REQUEST_URI, QUERY_STRING,
// CONTENT_TYPE, DOCUMENT_URI (decoded, without the query), ..., and each header as HTTP_NAME.
class Request {
 public:
  Request() : Request("GET", "/") {}
  explicit Request(std::string_view uri) : Request("GET", uri) {}
  Request(std::string_view method, std::string_view uri) {
    const std::size_t query = std::min(uri.find('?'), uri.size());
    variables_ = {{"CONTENT_LENGTH", "0"},
                  {"SCGI", "1"},
                  {"REQUEST_METHOD", std::string(method)},
                  {"REQUEST_URI", std::string(uri)},
                  {"QUERY_STRING", std::string(uri.substr(std::min(query + 1, uri.size())))},
                  {"CONTENT_TYPE", ""},
                  {"DOCUMENT_URI", decode(uri.substr(0, query))},
                  {"DOCUMENT_ROOT", "/var/www/html"},
                  {"SERVER_PROTOCOL", "HTTP/1.1"},
                  {"REQUEST_SCHEME", "http"},
                  {"REMOTE_ADDR", "127.0.0.1"},
                  {"REMOTE_PORT", "49152"},
                  {"SERVER_PORT", "80"},
                  {"SERVER_NAME", "localhost"},
                  {"HTTP_HOST", "localhost"}};
  }
  // Exactly these variables in this order, and no others.
  static Request of(const Texts& variables) {
    Request request;
    request.variables_ = variables;
    request.is_bare_ = true;
    return request;
  }

  // A header of the client's. One that comes again is joined to the first with ", " ("; " for Cookie).
  // std::invalid_argument for what no front server hands on: a line break in the value, a second Host.
  Request& header(std::string_view name, std::string_view value) {
    if (value.find_first_of("\r\n") != std::string_view::npos) {
      throw std::invalid_argument("a header with a line break in it: " + detail::quote(value));
    }
    std::string variable = "HTTP_";
    for (const char c : name) variable += c == '-' ? '_' : detail::upper(c);
    if (detail::same_name(name, "Content-Type")) this->variable("CONTENT_TYPE", value);
    std::string* const first = find(variable);
    if (first == nullptr || variable == "HTTP_HOST" || variable == "HTTP_CONTENT_TYPE") {
      if (variable == "HTTP_HOST" && std::exchange(has_host_, true)) throw std::invalid_argument("a second Host");
      return this->variable(variable, value);
    }
    if (variable == "HTTP_AUTHORIZATION" || variable == "HTTP_CONTENT_LENGTH") {
      throw std::invalid_argument("a second " + std::string(name));
    }
    first->append(variable == "HTTP_COOKIE" ? "; " : ", ").append(value);
    return *this;
  }

  // A variable of the front server's: a new one at the end, or another value for one that is there.
  Request& variable(std::string_view name, std::string_view value) {
    if (std::string* const there = find(name)) {
      there->assign(value);
    } else {
      variables_.emplace_back(name, value);
    }
    return *this;
  }
  Request& without(std::string_view name) {
    variables_.erase(
        std::remove_if(variables_.begin(), variables_.end(), [name](const auto& each) { return each.first == name; }),
        variables_.end());
    return *this;
  }

  Request& body(std::string_view text, std::string_view content_type = {}) {
    if (!content_type.empty()) header("Content-Type", content_type);
    return body(text.size(), text);
  }
  // A body of `length` bytes, `pattern` again and again: large ones take no memory.
  Request& body(std::uint64_t length, std::string_view pattern) {
    if (length > 0 && pattern.empty()) throw std::invalid_argument("a body of nothing that has a length");
    client_.length = length;
    client_.pattern = pattern;
    if (!is_bare_) {
      variable("CONTENT_LENGTH", std::to_string(length));
      variable("HTTP_CONTENT_LENGTH", std::to_string(length));
    }
    return *this;
  }

  // ---- What goes wrong with the body: FORKLIFT_ESHORT, FORKLIFT_ETIMEOUT, FORKLIFT_EGONE behind `bytes` bytes ----

  Request& body_breaks_off_after(std::uint64_t bytes) { return sends(bytes, FORKLIFT_ESHORT); }
  Request& body_stalls_after(std::uint64_t bytes) { return sends(bytes, FORKLIFT_ETIMEOUT); }
  // From then on the client is also gone for the response, and out->wait says so.
  Request& client_leaves_after_sending(std::uint64_t bytes) { return sends(bytes, FORKLIFT_EGONE); }

  // The body comes in pieces of `bytes` bytes. The first is there; each of the others comes when the plugin waits for
  // it, or was told that nothing is there (FORKLIFT_EAGAIN, or a wait with a timeout of 0).
  Request& body_in_pieces_of(std::uint64_t bytes) { return client_.sends_at_once = at_least_one(bytes), *this; }

  // ---- What goes wrong with the response, of which the head counts too ----

  // FORKLIFT_ETIMEOUT: the client has taken so much, stays, and takes no more.
  Request& client_stalls_after(std::uint64_t bytes) { return takes(bytes, FORKLIFT_ETIMEOUT); }
  // FORKLIFT_EGONE. With 0 it is gone from the start. What fits into the server's buffer (64 KiB) is written all the
  // same: only flush(), wait() and the end of the response find out, as in the server.
  Request& client_leaves_after(std::uint64_t bytes) { return takes(bytes, FORKLIFT_EGONE); }

  // The connection takes `bytes` bytes at a time, and then none until the plugin has waited for room, or was told that
  // there is none.
  Request& response_in_pieces_of(std::uint64_t bytes) { return client_.takes_at_once = at_least_one(bytes), *this; }

  // How long the server waits for a client that stands still (timeouts.body, timeouts.write). See Client.
  Request& patience(std::chrono::milliseconds time) { return client_.patience = time, *this; }

  // Every call of forklift_out that returns an error returns this one from the start, except wait(): as if an earlier
  // one had failed.
  Request& response_fails_with(int error) { return failure_ = error, *this; }

  // Gets the response's body as it is sent, instead of Response::body: for large ones.
  Request& give_body_to(std::function<void(std::string_view)> sink) { return sink_ = std::move(sink), *this; }

  // ---- What was built ----

  const Texts& variables() const { return variables_; }
  const Client& client() const { return client_; }
  int failure() const { return failure_; }
  const std::function<void(std::string_view)>& sink() const { return sink_; }
  std::string_view variable(std::string_view name) const {
    for (const auto& each : variables_) {
      if (each.first == name) return each.second;
    }
    return {};
  }

 private:
  static std::uint64_t at_least_one(std::uint64_t bytes) { return std::max<std::uint64_t>(bytes, 1); }

  Request& sends(std::uint64_t bytes, int then) {
    client_.sends = bytes;
    client_.sends_no_more = then;
    return *this;
  }
  Request& takes(std::uint64_t bytes, int then) {
    client_.takes = bytes;
    client_.takes_no_more = then;
    return *this;
  }

  std::string* find(std::string_view name) {
    for (auto& each : variables_) {
      if (each.first == name) return &each.second;
    }
    return nullptr;
  }

  // As nginx makes $document_uri, but for `..` and repeated slashes, which stay. What is no escape stays, too.
  static std::string decode(std::string_view path) {
    std::string out;
    for (std::size_t i = 0; i < path.size(); ++i) {
      unsigned value = 0;
      const auto* const digits = path.data() + i + 1;
      const bool escaped =
          path[i] == '%' && i + 2 < path.size() && std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2;
      out += escaped ? static_cast<char>(value) : path[i];
      if (escaped) i += 2;
    }
    return out;
  }

  Texts variables_;
  bool is_bare_ = false;
  bool has_host_ = false;
  Client client_;
  int failure_ = FORKLIFT_OK;
  std::function<void(std::string_view)> sink_;
};

// The table that a plugin gets of a request's variables; also for tests of a part of a plugin. All of it is in memory
// of its own, which ends with it.
class EnvTable : public forklift_env {
 public:
  explicit EnvTable(const Texts& pairs) : forklift_env{FORKLIFT_VERSION_OF(forklift_env), 0, nullptr, do_get} {
    for (const auto& each : pairs) {
      texts_.emplace_back(each.first);
      texts_.emplace_back(each.second);
    }
    table_.reset(new forklift_variable[pairs.size()]);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const detail::OwnText& name = texts_[2 * i];
      const detail::OwnText& value = texts_[2 * i + 1];
      table_[i] = {name.c_str(), name.size(), value.c_str(), value.size()};
    }
    count = pairs.size();
    variables = table_.get();
  }
  EnvTable(std::initializer_list<Texts::value_type> pairs) : EnvTable(Texts(pairs)) {}
  EnvTable(const EnvTable&) = delete;
  EnvTable& operator=(const EnvTable&) = delete;

 private:
  static const char* do_get(const forklift_env* table, const char* name, std::size_t* size) {
    if (size != nullptr) *size = 0;
    if (name == nullptr) return nullptr;
    const std::string_view wanted(name);
    for (std::size_t i = 0; i < table->count; ++i) {
      const forklift_variable& each = table->variables[i];
      if (std::string_view(each.name, each.name_size) != wanted) continue;
      if (size != nullptr) *size = each.value_size;
      return each.value;
    }
    return nullptr;
  }

  std::vector<detail::OwnText> texts_;
  std::unique_ptr<forklift_variable[]> table_;
};

}  // namespace testing
}  // namespace forklift

#endif  // FORKLIFT_TESTING_REQUEST_HPP
