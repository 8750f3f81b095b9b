// The example that SCGI's text ends with, byte by byte.
#include <gtest/gtest.h>

#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using namespace std::string_literals;

const std::string kRequest =
    "70:"
    "CONTENT_LENGTH\0"s
    "27\0"s
    "SCGI\0"s
    "1\0"s
    "REQUEST_METHOD\0"s
    "POST\0"s
    "REQUEST_URI\0"s
    "/deepthought\0"s
    ","
    "What is the answer to life?";

// What the application wrote, and the length that the host adds where a response fits its buffer.
const std::string kResponse =
    "Status: 200 OK\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 2\r\n"
    "\r\n"
    "42";

class ScgiExample : public testing::TestWithParam<std::size_t> {};

TEST_P(ScgiExample, IsAnsweredByteByByte) {
  Server server(
      {{.name = "deepthought", .plugin = fixture_file("deepthought"), .listen = {"127.0.0.1:0", "unix:dt.sock"}}});
  server.start();
  for (const std::size_t listener : {0, 1}) {
    Connection connection = Connection::to(server.listener("deepthought", listener));
    ASSERT_TRUE(connection.send_in_pieces(kRequest, GetParam()));
    const Response response = connection.receive(ResponseReader(Dialect::kScgi, "POST"));
    EXPECT_EQ(response.raw_head + response.body, kResponse) << response;
    EXPECT_EQ(response.ending, Ending::kEof);
  }
}

INSTANTIATE_TEST_SUITE_P(SentInPiecesOf, ScgiExample, testing::Values(1, 7, 1000),
                         [](const auto& test) { return std::to_string(test.param) + "Bytes"; });

}  // namespace
}  // namespace harness
