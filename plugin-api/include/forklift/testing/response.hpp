// forklift/testing/response.hpp - what came of a request; part of forklift/testing.hpp
#ifndef FORKLIFT_TESTING_RESPONSE_HPP
#define FORKLIFT_TESTING_RESPONSE_HPP

#include <cstddef>
#include <cstdint>
#include <forklift/testing/host.hpp>
#include <forklift/testing/text.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace forklift {
namespace testing {

// What the client has got, and what the server would know of it.
struct Response {
  // As the client sees it. 0 where it has got no head. A produce() that fails before anything was sent is a page of the
  // server's: 500, or 400 and 408 for a body that broke off or stalled.
  int status = 0;
  std::string phrase;        // "Not Found": the plugin's, or else the standard one
  Texts headers;             // in their order, with the Content-Length that the server adds
  std::string body;          // as far as it was sent; not what HEAD, 204 and 304 drop
  bool complete = false;     // false: the connection was reset, or the client is gone
  bool client_gone = false;  // and found so by the server

  // Why the response is not the plugin's whole page, in the words of the server's log. Empty where it is.
  std::string failure;
  // The lines that were logged meanwhile; the last is the server's own where the request has failed: `GET "/shop"
  // answered 500: begin was called twice, or after the header block`. Behind it come those of deferred work.
  std::vector<LogLine> log;

  int result = 0;      // of produce()
  std::string reason;  // what the plugin gave to out->fail

  // The calls, other than those that read and write, in order, with their arguments: "begin 200", "flush", "try_flush",
  // "send_file 0 17", "wait 2 0 -1" (interest, number of descriptors, milliseconds), "alive".
  std::vector<std::string> calls;
  std::size_t flushes = 0;      // calls of flush() and try_flush()
  std::uint64_t body_read = 0;  // bytes of the request's body that the plugin has taken
  std::size_t deferred = 0;     // works that were put off (forklift/defer.h), and have run since

  // Complete, and the plugin's own.
  bool ok() const { return complete && failure.empty(); }

  // The value of a header, whatever the case of its name; the first, where there are several. Empty if there is none.
  std::string header(std::string_view name) const {
    for (const auto& each : headers) {
      if (detail::same_name(each.first, name)) return each.second;
    }
    return {};
  }
  std::size_t count(std::string_view name) const {
    std::size_t found = 0;
    for (const auto& each : headers) found += detail::same_name(each.first, name) ? 1 : 0;
    return found;
  }
};

}  // namespace testing
}  // namespace forklift

#endif  // FORKLIFT_TESTING_RESPONSE_HPP
