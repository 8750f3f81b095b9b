// A request from its lend to its end.
#include "worker/serve.h"

#include "serving.h"

namespace forklift::worker {
namespace {

using ipc::Ending;
using ipc::ResponseState;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

INSTANTIATE_TEST_SUITE_P(over, ServeTest, testing::Values(Kind::kUnix, Kind::kTcp), kind_name);

TEST_P(ServeTest, a_page_is_answered_and_the_connection_ended) {
  const ipc::Done done = serve([this](auto* env, auto* body, auto* out) {
    ipc::WordsCopy copy;
    const ipc::RequestWords words = page_.request(copy);
    EXPECT_EQ(std::string(words.method) + std::string(words.uri), "GET/x");
    EXPECT_EQ(page_.response(), ResponseState::kNone);
    EXPECT_STREQ(env->get(env, "REQUEST_URI", nullptr), "/x");
    return hello(env, body, out);
  });
  EXPECT_EQ(done.ending, Ending::kComplete);
  EXPECT_EQ(done.status, 200U);
  EXPECT_EQ(page_.sent(), 5U);
  EXPECT_EQ(whole_page(done), "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nHello");
  EXPECT_THAT(log_, IsEmpty());
}

// What the access log calls `bytes`.
TEST_P(ServeTest, only_what_went_out_of_a_body_is_counted) {
  for (const char* answer : {"A: b\n\nHello", "Status: 204\n\nHello", "Status: 304\n\nHello"}) {
    line_ = Line(GetParam());
    const auto work = [&](auto*, auto*, auto* out) { return write(out, answer); };
    serve(work, lend(head(answer[0] == 'A' ? "HEAD" : "GET")));
    EXPECT_EQ(page_.sent(), 0U) << answer;
  }
  line_ = Line(GetParam());
  serve([](auto*, auto*, auto*) { return 1; }, lend(head("HEAD")));
  EXPECT_EQ(page_.sent(), 0U);
  line_ = Line(GetParam());
  const auto aborted = [](auto*, auto*, auto* out) {
    write(out, "A: b\n\nhalf");
    out->flush(out);
    write(out, " a page");
    return 1;
  };
  serve(aborted);
  EXPECT_EQ(page_.sent(), 4U);
}

TEST_P(ServeTest, nothing_of_it_where_the_client_has_left_before) {
  Lent lent = lend(head());
  line_.reset();
  serve(hello, std::move(lent));
  EXPECT_EQ(page_.sent(), 0U);
}

// The master's duplicate is open all the time: the client must not have to wait for it.
TEST_P(ServeTest, the_client_sees_the_end_before_the_master_does_anything) {
  serve(hello);
  EXPECT_EQ(line_.read_all().bytes, "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nHello");
}

TEST_P(ServeTest, a_body_that_was_read_is_complete) {
  const ipc::Done done = serve([](auto*, auto* body, auto* out) { return write(out, "A: b\n\n" + read_all(body)); },
                               lend(head("POST", 6), "foobar"));
  EXPECT_EQ(done.ending, Ending::kComplete);
  EXPECT_THAT(whole_page(done), EndsWith("foobar"));
}

TEST_P(ServeTest, so_is_one_that_came_along_and_was_not_read) {
  const ipc::Done done = serve(hello, lend(head("POST", 6), "foobar"));
  EXPECT_EQ(done.ending, Ending::kComplete);
  EXPECT_THAT(whole_page(done), EndsWith("Hello"));
}

TEST_P(ServeTest, a_body_that_is_unread_lingers) {
  Lent lent = lend(head("POST", 100'000), "foo");
  line_.send("bar");
  const ipc::Done done = serve(hello, std::move(lent));
  EXPECT_EQ(done.ending, Ending::kLinger);
  EXPECT_THAT(whole_page(done), EndsWith("Hello"));
}

TEST_P(ServeTest, so_does_one_with_bytes_too_many) {
  const ipc::Done done = serve(hello, lend(head("POST", 3), "fooBAR"));
  EXPECT_EQ(done.ending, Ending::kLinger);
  EXPECT_THAT(whole_page(done), EndsWith("Hello"));
}

TEST_P(ServeTest, the_workers_memory_is_not_looked_at) {
  EXPECT_EQ(serve(hello).memory_bytes, 0U);
}

TEST_P(ServeTest, unless_it_has_a_limit) {
  app_.workers.max_memory = 1;
  const std::uint64_t bytes = serve(hello).memory_bytes;
  EXPECT_GT(bytes, 1U << 20);
  EXPECT_LT(bytes, 1ULL << 40);
}

TEST_P(ServeTest, a_head_that_front_servers_do_not_take_is_warned_of) {
  const ipc::Done done =
      serve([](auto*, auto*, auto* out) { return write(out, "Set-Cookie: " + std::string(5000, 'c') + "\n\nx"); });
  EXPECT_EQ(done.ending, Ending::kComplete);
  EXPECT_THAT(log_, ElementsAre(AllOf(StartsWith("warning: GET \"/x\": the head of the response has 5"),
                                      HasSubstr("nginx"), HasSubstr("scgi_buffer_size"))));
}

TEST_P(ServeTest, one_of_an_ordinary_length_is_not) {
  serve([](auto*, auto*, auto* out) { return write(out, "Set-Cookie: " + std::string(4000, 'c') + "\n\nx"); });
  EXPECT_THAT(log_, IsEmpty());
}

TEST_P(ServeTest, a_bad_head_is_refused_without_the_plugin) {
  const ipc::Done done = serve(hello, lend("24:CONTENT_LENGTH\0"
                                           "0\0SCGI\0"
                                           "2\0,",
                                           "surplus"));
  EXPECT_EQ(calls_, 0);
  EXPECT_EQ(done.status, 400U);
  EXPECT_EQ(done.ending, Ending::kLinger) << "nobody knows what belongs to it";
  EXPECT_THAT(whole_page(done), StartsWith("Status: 400 Bad Request\r\n"));
  EXPECT_THAT(log_, ElementsAre(StartsWith("warning: ? \"\" refused with 400: ")));
}

TEST_P(ServeTest, a_body_over_the_limit_is_refused_before_it_comes) {
  app_.limits.body = 1000;
  const ipc::Done done = serve(hello, lend(head("PUT", 1001), "the beginning"));
  EXPECT_EQ(calls_, 0);
  EXPECT_EQ(done.status, 413U);
  EXPECT_EQ(done.ending, Ending::kLinger);
  EXPECT_THAT(whole_page(done), StartsWith("Status: 413 "));
  EXPECT_THAT(log_, ElementsAre(HasSubstr("limits.body")));
}

TEST_P(ServeTest, one_server_answers_one_request_after_the_other) {
  work_ = hello;
  Server server(app_, plugin_, this, page_);
  for (int i = 0; i < 3; ++i) {
    line_ = Line(GetParam());
    EXPECT_THAT(whole_page(server.serve(lend(head()))), EndsWith("Hello"));
    line_ = Line(GetParam());
    EXPECT_THAT(whole_page(server.serve(lend("3:bad,"))), StartsWith("Status: 400"));
  }
  EXPECT_EQ(calls_, 3);
}

}  // namespace
}  // namespace forklift::worker
