// forklift/web/refusal.hpp - a request that is the client's mistake; part of forklift/web.hpp
//
// An exception that leaves Plugin::produce() is a fault of the plugin, and a 500. What a client sends wrong is none:
// the readers of forklift/web.hpp throw a Refusal, which carries the answer. A WebPlugin gives that answer; so does,
// from a Plugin of the author's own,
//
//     } catch (const forklift::web::Refusal& refusal) {
//       forklift::web::respond(out, refusal);
//     }
#ifndef FORKLIFT_WEB_REFUSAL_HPP
#define FORKLIFT_WEB_REFUSAL_HPP

#include <cstdint>
#include <forklift/error.hpp>
#include <forklift/plugin.hpp>
#include <forklift/web/detail/text.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forklift {
inline namespace api {
namespace web {

// The answer to a request that cannot be taken. what() is the reason, which the client sees: the readers put nothing of
// the request into it, and nothing of the machine.
class Refusal : public std::runtime_error {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  // `status` is 400 to 599. `headers` are what such an answer needs beside its text: `{{"Allow", "GET, POST"}}` for
  // 405.
  Refusal(int status, const std::string& reason, Headers headers = {})
      : std::runtime_error(reason), status_(status), headers_(std::move(headers)) {}

  int status() const noexcept { return status_; }
  const Headers& headers() const noexcept { return headers_; }

 private:
  int status_;
  Headers headers_;
};

// Answers with the refusal's status and its reason as a line of plain text. Nothing may have been written or begun
// before: Error (FORKLIFT_EINVAL) otherwise, and the request is a failed one.
inline void respond(Out& out, const Refusal& refusal) {
  // With its type said, and said to be meant: a browser that guesses would guess from what an author has put in.
  std::vector<Header> headers = {{"Content-Type", "text/plain; charset=utf-8"}, {"X-Content-Type-Options", "nosniff"}};
  for (const auto& [name, value] : refusal.headers()) headers.push_back({name, value});
  try {
    out.begin(refusal.status(), headers);
  } catch (const Error& error) {
    throw Error(error.code(), std::string("answering ") + std::to_string(refusal.status()) + ", " + refusal.what());
  }
  out.write(std::string(refusal.what()) + "\n");
}

// A plugin whose serve() may throw Refusals. As with Plugin, the constructor takes a `const Host&`, or nothing.
class WebPlugin : public Plugin {
 public:
  // Answers one request. Returning means that the response is complete. A Refusal becomes its answer, if nothing was
  // begun; everything else is as with Plugin::produce().
  virtual void serve(const Env& env, Body& body, Out& out) = 0;

  void produce(const Env& env, Body& body, Out& out) final {
    try {
      serve(env, body, out);
    } catch (const Refusal& refusal) {
      respond(out, refusal);
    }
  }
};

// The request's method if it is one of `allowed`, which is written as the header Allow is: "GET, POST". Where GET is
// allowed HEAD is, too (RFC 9110, 9.1), and is "GET" here unless `allowed` names it: the page is made as for GET, and
// the host drops its body. Refusal 405 for all else (15.5.6).
inline std::string_view allow(const Env& env, const std::string& allowed) {
  const std::string_view method = env["REQUEST_METHOD"];
  bool takes_get = false;
  bool names_head = false;
  for (std::string_view rest = allowed; !rest.empty();) {
    const std::string_view each = detail::trimmed(detail::take_until(rest, ','));
    if (each == method) return method;
    takes_get = takes_get || each == "GET";
    names_head = names_head || each == "HEAD";
  }
  if (takes_get && method == "HEAD") return "GET";
  throw Refusal(405, "this page does not take that method",
                {{"Allow", takes_get && !names_head ? allowed + ", HEAD" : allowed}});
}

// What is left of the body, in memory. Refusal 413 if the whole has more than `limit` bytes; Body::read_all() takes
// that for a mistake of the plugin.
inline std::string read_body(Body& body, std::uint64_t limit) {
  if (body.length() > limit) throw Refusal(413, "the body is longer than this page takes");
  return body.read_all(limit);
}

}  // namespace web
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_WEB_REFUSAL_HPP
