// A plugin closes 0, 1 or 2, the channel's descriptor or the connection's: its client gets an answer, the worker
// leaves, and the next request goes to another one.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ostream>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

struct Closed {
  const char* name;  // of the test; the URI, with other signs
  const char* uri;
  Outcome outcome;
  int status;
  const char* reason;    // a part of what the worker says, if it still can
  const char* obituary;  // a part
};

std::ostream& operator<<(std::ostream& out, const Closed& closed) {
  return out << closed.name;
}

constexpr const char* kNotTaken = "exited with status 1 before it took the request; its request goes to another worker";

class DescriptorFaults : public testing::TestWithParam<Closed> {};

INSTANTIATE_TEST_SUITE_P(
    In, DescriptorFaults,
    testing::Values(
        Closed{"connection", "/connection", Outcome::kComplete, 502,
               "leaves: the plugin has closed the descriptor of its connection", "exited with status 1 with GET"},
        Closed{"connection_late", "/connection-late", Outcome::kAborted, 200,
               "leaves: the plugin has closed the descriptor of its connection",
               "exited with status 1 with GET * part of the response was sent, so the connection is aborted"},
        Closed{"channel", "/channel", Outcome::kComplete, 502, nullptr,
               "with GET \"/channel\" since * s; answered 502"},
        Closed{"standard_output", "/standard-output", Outcome::kComplete, 200,
               "leaves: the plugin has closed its standard output (descriptor 1)", kNotTaken},
        Closed{"standard", "/standard", Outcome::kComplete, 200,
               "leaves: the plugin has closed its standard input (descriptor 0)", kNotTaken},
        Closed{"folder", "/folder", Outcome::kComplete, 200,
               "leaves: the plugin has closed a descriptor that is not its own: fchdir", "exited with status 1"},
        Closed{"from_3", "/from-3", Outcome::kComplete, 502, nullptr, "with GET \"/from-3\" since * s; answered 502"}),
    testing::PrintToStringParamName());

TEST_P(DescriptorFaults, CostAtMostTheirOwnRequest) {
  const Closed& closed = GetParam();
  Server server({{.name = "app",
                  .plugin = fixture_file("closes_descriptors"),
                  .listen = {"127.0.0.1:0", "unix:app.sock"},
                  .more = "workers: {min: 1, max: 1}\n"}});
  if (closed.reason) server.expect_error(closed.reason);
  server.expect_error(closed.obituary);
  server.start();
  for (const std::size_t listener : {0, 1}) {
    const pid_t worker = children_of(server.pid()).at(0).pid;
    const Response response = fetch(server.listener("app", listener), ScgiRequest::get(closed.uri));
    EXPECT_EQ(response.outcome, closed.outcome) << response;
    EXPECT_EQ(response.status, closed.status) << response;
    const Response next = fetch(server.listener("app", listener), ScgiRequest::get("/"));
    EXPECT_TRUE(next.complete(200)) << next;
    EXPECT_TRUE(wait_until_gone(worker));
    EXPECT_TRUE(server.at_rest());
  }
}

}  // namespace
}  // namespace harness
