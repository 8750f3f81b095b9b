#include "worker/exchange.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "line.h"

namespace forklift::worker {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
  UniqueFd out, in;
};

class ExchangeTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    auto page = ipc::SharedPage::create();
    ASSERT_TRUE(page);
    page_ = std::move(*page);
    ASSERT_TRUE(request_.add("REQUEST_METHOD", "POST"));
    ASSERT_TRUE(request_.add("QUERY_STRING", ""));
    socket_ = std::make_unique<ClientSocket>(line_.lend(), page_);
    open("", 0, {}, {});
  }

  // A request of which `along` has come with its head, and of whose body `length` bytes are to come.
  void open(std::string_view along, std::uint64_t length, Duration body_timeout = {}, Duration write_timeout = {},
            std::uint64_t body_rate = 0) {
    const std::size_t unread = GetParam() == Kind::kUnix && !along.empty() ? 1 : 0;
    if (unread > 0) line_.send(along.substr(along.size() - 1));
    reader_ = std::make_unique<BodyReader>(*socket_, along, unread, length,
                                           PaceLimits{.timeout = body_timeout, .rate = body_rate});
    writer_ = std::make_unique<ResponseWriter>(*socket_, page_, "POST", PaceLimits{.timeout = write_timeout});
    exchange_ = std::make_unique<Exchange>(request_, *socket_, *reader_, *writer_);
    env_ = exchange_->env();
    body_ = exchange_->body();
    out_ = exchange_->out();
  }
  int wait(unsigned interest, int timeout_ms = 0) { return out_->wait(out_, interest, nullptr, 0, timeout_ms); }
  // Begins a response and writes until nothing more is taken.
  void fill() {
    out_->begin(out_, 200, nullptr, 0);
    const std::string piece(10'000, 'x');
    while (out_->try_write(out_, piece.data(), piece.size()) > 0) continue;
  }

  Line line_{GetParam()};
  ipc::SharedPage page_;
  protocol::Request request_;
  std::unique_ptr<ClientSocket> socket_;
  std::unique_ptr<BodyReader> reader_;
  std::unique_ptr<ResponseWriter> writer_;
  std::unique_ptr<Exchange> exchange_;
  const forklift_env* env_ = nullptr;
  forklift_body* body_ = nullptr;
  forklift_out* out_ = nullptr;
};
INSTANTIATE_TEST_SUITE_P(over, ExchangeTest, testing::Values(Kind::kUnix, Kind::kTcp), kind_name);

TEST_P(ExchangeTest, each_table_says_its_size_and_version_and_is_complete) {
  for (const auto& [version, size] : {std::pair{env_->version, sizeof(forklift_env)},
                                      {body_->version, sizeof(forklift_body)},
                                      {out_->version, sizeof(forklift_out)}}) {
    EXPECT_EQ(version.size, size);
    EXPECT_EQ(version.major, FORKLIFT_API_MAJOR);
    EXPECT_EQ(version.minor, FORKLIFT_API_MINOR);
  }
  EXPECT_TRUE(FORKLIFT_HAS(env_, get) && FORKLIFT_HAS(body_, read) && FORKLIFT_HAS(body_, try_read));
  EXPECT_TRUE(FORKLIFT_HAS(out_, begin) && FORKLIFT_HAS(out_, write) && FORKLIFT_HAS(out_, try_write));
  EXPECT_TRUE(FORKLIFT_HAS(out_, flush) && FORKLIFT_HAS(out_, send_file) && FORKLIFT_HAS(out_, fail));
  EXPECT_TRUE(FORKLIFT_HAS(out_, wait));
  EXPECT_TRUE(FORKLIFT_HAS(out_, try_flush));
}

TEST_P(ExchangeTest, the_environment_is_counted_and_looked_up) {
  ASSERT_EQ(env_->count, 2U);
  EXPECT_STREQ(env_->variables[0].name, "REQUEST_METHOD");
  EXPECT_EQ(env_->variables[0].value_size, 4U);
  std::size_t size = 99;
  EXPECT_STREQ(env_->get(env_, "REQUEST_METHOD", &size), "POST");
  EXPECT_EQ(size, 4U);
  EXPECT_STREQ(env_->get(env_, "QUERY_STRING", &size), "") << "empty is not missing";
  EXPECT_EQ(size, 0U);
  size = 99;
  EXPECT_EQ(env_->get(env_, "request_method", &size), nullptr);
  EXPECT_EQ(size, 0U);
  EXPECT_EQ(env_->get(env_, nullptr, &size), nullptr);
  EXPECT_STREQ(env_->get(env_, "REQUEST_METHOD", nullptr), "POST");
}

TEST_P(ExchangeTest, the_body_is_read_with_and_without_waiting) {
  open("ab", 3);
  EXPECT_EQ(body_->length, 3U);
  char buffer[10];
  EXPECT_EQ(body_->read(body_, buffer, sizeof buffer), 2);
  EXPECT_EQ(body_->try_read(body_, buffer, sizeof buffer), FORKLIFT_EAGAIN);
  line_.send("c");
  EXPECT_EQ(body_->try_read(body_, buffer, sizeof buffer), 1);
  EXPECT_EQ(body_->read(body_, buffer, sizeof buffer), 0);
}

TEST_P(ExchangeTest, headers_are_copied) {
  std::string name = "X-Name";
  std::string value = "first";
  const forklift_header header{name.c_str(), value.c_str()};
  EXPECT_EQ(out_->begin(out_, 200, &header, 1), 0);
  name.assign("??????");
  value.assign("later");
  EXPECT_EQ(writer_->finish(), 0);
  EXPECT_EQ(line_.read_some(100), "Status: 200 OK\r\nX-Name: first\r\nContent-Length: 0\r\n\r\n");
}

TEST_P(ExchangeTest, null_where_there_should_be_something_is_a_wrong_argument_and_no_crash) {
  EXPECT_EQ(out_->begin(out_, 200, nullptr, 1), FORKLIFT_EINVAL);
  for (const forklift_header header : {forklift_header{nullptr, "v"}, {"N", nullptr}}) {
    open("", 0);
    EXPECT_EQ(out_->begin(out_, 200, &header, 1), FORKLIFT_EINVAL);
  }
  open("", 0);
  EXPECT_EQ(out_->write(out_, nullptr, 1), FORKLIFT_EINVAL);
  open("", 0);
  EXPECT_EQ(out_->try_write(out_, nullptr, 1), FORKLIFT_EINVAL);
  open("", 0);
  EXPECT_EQ(out_->wait(out_, 0, nullptr, 1, 0), FORKLIFT_EINVAL);

  open("abc", 3);
  EXPECT_EQ(body_->read(body_, nullptr, 1), FORKLIFT_EINVAL);
  EXPECT_EQ(body_->try_read(body_, nullptr, 1), FORKLIFT_EINVAL);
  EXPECT_EQ(body_->read(body_, nullptr, 0), 0);
  out_->fail(out_, nullptr);
  EXPECT_EQ(exchange_->reason(), "");
}

TEST_P(ExchangeTest, nothing_is_written_without_bytes) {
  EXPECT_EQ(out_->begin(out_, 200, nullptr, 0), 0);
  EXPECT_EQ(out_->write(out_, nullptr, 0), 0);
  EXPECT_EQ(out_->try_write(out_, nullptr, 0), 0);
  EXPECT_EQ(writer_->error(), 0);
}

// What a plugin hands on when it did not look at the result of read(2).
TEST_P(ExchangeTest, a_size_of_minus_one_is_a_wrong_argument) {
  const char byte = 0;
  EXPECT_EQ(out_->begin(out_, 200, nullptr, 0), 0);
  EXPECT_EQ(out_->write(out_, &byte, 1), 0);
  EXPECT_EQ(out_->write(out_, &byte, static_cast<std::size_t>(-1)), FORKLIFT_EINVAL);
  open("", 0);
  EXPECT_EQ(out_->try_write(out_, &byte, static_cast<std::size_t>(-1)), FORKLIFT_EINVAL);
}

TEST_P(ExchangeTest, the_last_reason_counts_and_is_bounded) {
  out_->fail(out_, "first");
  out_->fail(out_, "second");
  EXPECT_EQ(exchange_->reason(), "second");
  out_->fail(out_, std::string(5000, 'r').c_str());
  EXPECT_EQ(exchange_->reason(), std::string(1000, 'r'));
}

TEST_P(ExchangeTest, waits_for_the_body) {
  open("", 2);
  EXPECT_EQ(wait(FORKLIFT_WAIT_BODY), 0);
  EXPECT_EQ(wait(FORKLIFT_WAIT_BODY, 5), 0) << "the time was up";
  line_.send("a");
  EXPECT_EQ(wait(FORKLIFT_WAIT_BODY, -1), FORKLIFT_WAIT_BODY);
  char byte = 0;
  EXPECT_EQ(body_->try_read(body_, &byte, 1), 1);
  EXPECT_EQ(wait(FORKLIFT_WAIT_BODY), 0);
  line_.half_close();
  EXPECT_EQ(wait(FORKLIFT_WAIT_BODY, -1), FORKLIFT_WAIT_BODY) << "an error is something to be read";
  EXPECT_EQ(body_->try_read(body_, &byte, 1), FORKLIFT_ESHORT);
}

// Only peeked bytes look readable to poll(2) although the plugin has had them.
TEST_P(ExchangeTest, a_body_that_came_along_is_ready_until_it_is_read) {
  open("abc", 5);
  EXPECT_EQ(wait(FORKLIFT_WAIT_BODY, -1), FORKLIFT_WAIT_BODY);
  char buffer[10];
  EXPECT_EQ(body_->try_read(body_, buffer, sizeof buffer), 3);
  EXPECT_EQ(wait(FORKLIFT_WAIT_BODY), 0);
  open("abc", 3);
  EXPECT_EQ(body_->try_read(body_, buffer, sizeof buffer), 3);
  EXPECT_EQ(wait(FORKLIFT_WAIT_BODY), FORKLIFT_WAIT_BODY) << "its end is there";
}

TEST_P(ExchangeTest, waits_for_room_in_the_response) {
  EXPECT_EQ(wait(FORKLIFT_WAIT_OUT, -1), FORKLIFT_WAIT_OUT);
  line_.narrow();
  fill();
  EXPECT_EQ(wait(FORKLIFT_WAIT_OUT), 0);
  EXPECT_TRUE(eventually([&] {
    (void)line_.read_some(100'000);
    return wait(FORKLIFT_WAIT_OUT) == FORKLIFT_WAIT_OUT;
  }));
  EXPECT_EQ(out_->try_write(out_, "x", 1), 1);
}

TEST_P(ExchangeTest, flushes_without_waiting_and_waits_for_what_is_left) {
  EXPECT_EQ(wait(FORKLIFT_WAIT_SENT), FORKLIFT_WAIT_SENT) << "nothing is buffered";
  line_.narrow();
  fill();
  EXPECT_EQ(out_->try_flush(out_), FORKLIFT_EAGAIN);
  EXPECT_EQ(wait(FORKLIFT_WAIT_SENT), 0);
  EXPECT_TRUE(eventually([&] {
    (void)line_.read_some(100'000);
    return wait(FORKLIFT_WAIT_SENT) == FORKLIFT_WAIT_SENT && out_->try_flush(out_) == 0;
  }));
  EXPECT_EQ(wait(FORKLIFT_WAIT_SENT, -1), FORKLIFT_WAIT_SENT);
  EXPECT_EQ(out_->try_flush(out_), 0);
}

TEST_P(ExchangeTest, a_flush_before_the_head_is_complete_is_a_wrong_call) {
  ASSERT_EQ(out_->try_write(out_, "A: b\n", 5), 5);
  EXPECT_EQ(out_->try_flush(out_), FORKLIFT_EINVAL);
}

TEST_P(ExchangeTest, a_client_that_takes_nothing_ends_a_flush_too) {
  line_.narrow();
  open("", 0, {}, milliseconds(20));
  fill();
  EXPECT_EQ(wait(FORKLIFT_WAIT_SENT, -1), FORKLIFT_ETIMEOUT);
  EXPECT_EQ(out_->try_flush(out_), FORKLIFT_ETIMEOUT);
}

TEST_P(ExchangeTest, waits_for_the_plugins_own_descriptors) {
  open("", 1);
  const Pipe pipe;
  forklift_poll polls[] = {{-1, POLLIN, 77}, {pipe.out.get(), POLLIN, 77}, {pipe.in.get(), 0, 77}};
  EXPECT_EQ(out_->wait(out_, FORKLIFT_WAIT_BODY, polls, 3, 0), 0);
  EXPECT_EQ(polls[1].revents, 0);
  ASSERT_EQ(::write(pipe.in.get(), "x", 1), 1);
  EXPECT_EQ(out_->wait(out_, FORKLIFT_WAIT_BODY, polls, 3, -1), 0);
  EXPECT_EQ(polls[0].revents, 0) << "a negative descriptor is skipped";
  EXPECT_EQ(polls[1].revents, POLLIN);
  EXPECT_EQ(polls[2].revents, 0);
  line_.send("b");
  EXPECT_EQ(out_->wait(out_, FORKLIFT_WAIT_BODY, polls, 3, -1), FORKLIFT_WAIT_BODY);
  EXPECT_EQ(polls[1].revents, POLLIN) << "both are told";
}

TEST_P(ExchangeTest, takes_64_descriptors_and_not_one_more) {
  std::vector<forklift_poll> polls(65, forklift_poll{-1, 0, 0});
  EXPECT_EQ(out_->wait(out_, 0, polls.data(), 64, 0), 0);
  EXPECT_EQ(out_->wait(out_, 0, polls.data(), 65, 0), FORKLIFT_EINVAL);
  EXPECT_NE(writer_->problem().find("64"), std::string::npos);
}

TEST_P(ExchangeTest, a_client_that_is_gone_is_always_told) {
  open("", 5);
  if (GetParam() == Kind::kUnix) {
    line_.close();
  } else {
    line_.reset();  // on TCP a close looks like the end of the body
  }
  EXPECT_NE(wait(0, -1) & FORKLIFT_WAIT_GONE, 0);
  EXPECT_NE(wait(FORKLIFT_WAIT_BODY, -1) & FORKLIFT_WAIT_GONE, 0);
}

TEST_P(ExchangeTest, a_client_that_has_said_all_is_not_gone) {
  open("abc", 3);
  line_.half_close();
  EXPECT_EQ(wait(0), 0);
  EXPECT_EQ(wait(FORKLIFT_WAIT_OUT), FORKLIFT_WAIT_OUT);
}

TEST_P(ExchangeTest, unless_its_listener_says_so) {
  socket_ = std::make_unique<ClientSocket>(line_.lend(), page_, true);
  open("abc", 3);
  EXPECT_EQ(wait(0), 0);
  EXPECT_FALSE(exchange_->told_gone());
  line_.half_close();
  EXPECT_EQ(wait(0, -1), FORKLIFT_WAIT_GONE);
  EXPECT_TRUE(exchange_->told_gone());
}

TEST_P(ExchangeTest, a_wait_for_a_client_that_stands_still_ends_as_a_read_or_a_write_would) {
  open("", 5, milliseconds(20), seconds(60));
  EXPECT_EQ(wait(FORKLIFT_WAIT_BODY, -1), FORKLIFT_ETIMEOUT);
  EXPECT_EQ(reader_->error(), FORKLIFT_ETIMEOUT);
  EXPECT_EQ(writer_->error(), 0);

  open("", 0, {}, milliseconds(20));
  fill();
  int result = 0;
  while (result >= 0) result = wait(FORKLIFT_WAIT_OUT, -1);  // the kernel may find some room yet
  EXPECT_EQ(result, FORKLIFT_ETIMEOUT);
  EXPECT_EQ(writer_->error(), FORKLIFT_ETIMEOUT);
  EXPECT_EQ(reader_->error(), 0);
}

// The plugin's own pause between asking for room and filling it is none of the client's.
TEST_P(ExchangeTest, a_wait_that_finds_room_does_not_start_the_clients_time) {
  line_.narrow();
  open("", 0, {}, milliseconds(40));
  EXPECT_EQ(wait(FORKLIFT_WAIT_OUT), FORKLIFT_WAIT_OUT);
  EXPECT_EQ(out_->wait(out_, 0, nullptr, 0, 80), 0);
  fill();
  EXPECT_NE(writer_->error(), FORKLIFT_ETIMEOUT);
}

TEST_P(ExchangeTest, nor_does_one_that_finds_a_part_of_the_body) {
  open("ab", 3, milliseconds(40));
  EXPECT_EQ(wait(FORKLIFT_WAIT_BODY), FORKLIFT_WAIT_BODY);
  EXPECT_EQ(out_->wait(out_, 0, nullptr, 0, 80), 0);
  char buffer[10];
  EXPECT_EQ(body_->try_read(body_, buffer, sizeof buffer), 2);
  EXPECT_EQ(body_->try_read(body_, buffer, sizeof buffer), FORKLIFT_EAGAIN);
}

// On TCP a wait for what is there begins the client's time.
TEST_P(ExchangeTest, nor_does_work_between_such_a_wait_and_the_read_count) {
  open("", 1'000'000, milliseconds(400), {}, 1024);
  char buffer[100];
  for (int piece = 0; piece < 3; ++piece) {
    line_.send(std::string(sizeof buffer, 'x'));
    ASSERT_EQ(wait(FORKLIFT_WAIT_BODY, 1000), FORKLIFT_WAIT_BODY) << piece;
    ::poll(nullptr, 0, 300);  // at work
    ASSERT_EQ(body_->try_read(body_, buffer, sizeof buffer), static_cast<std::int64_t>(sizeof buffer)) << piece;
  }
  EXPECT_EQ(wait(FORKLIFT_WAIT_BODY), 0);
  EXPECT_EQ(body_->try_read(body_, buffer, sizeof buffer), FORKLIFT_EAGAIN);
  const TimePoint before = Clock::now();
  EXPECT_EQ(wait(FORKLIFT_WAIT_BODY, -1), FORKLIFT_ETIMEOUT);
  EXPECT_GE(Clock::now() - before, milliseconds(300)) << "of waiting";
}

TEST_P(ExchangeTest, a_wait_for_each_byte_of_a_drip_ends) {
  open("", 1'000'000, milliseconds(30), {}, 1'000'000);
  std::atomic<bool> over = false;
  std::thread client([&] {
    while (!over && ::send(line_.client(), "x", 1, MSG_NOSIGNAL) == 1) ::poll(nullptr, 0, 1);
  });
  const TimePoint end = Clock::now() + seconds(10);
  std::int64_t n = 1;
  char byte = 0;
  while (n > 0 && Clock::now() < end) {
    n = wait(FORKLIFT_WAIT_BODY, -1);
    if (n == FORKLIFT_WAIT_BODY) n = body_->try_read(body_, &byte, 1);
  }
  EXPECT_EQ(n, FORKLIFT_ETIMEOUT);
  over = true;
  client.join();
}

// timeouts.request is time without reading, writing or returning. The master reads it off the shared page.
TEST_P(ExchangeTest, waiting_for_ones_own_descriptors_is_no_progress) {
  page_.set_activity(ipc::Activity::kPlugin);
  const TimePoint before = page_.progress();
  EXPECT_EQ(wait(0, 5), 0);
  EXPECT_EQ(page_.progress(), before);
}

TEST_P(ExchangeTest, calls_that_move_nothing_are_no_progress) {
  open("", 2);
  ASSERT_EQ(out_->begin(out_, 200, nullptr, 0), 0);
  ASSERT_EQ(out_->flush(out_), 0);
  const TimePoint before = page_.progress();
  char byte = 0;
  EXPECT_EQ(body_->try_read(body_, &byte, 1), FORKLIFT_EAGAIN);
  EXPECT_EQ(body_->try_read(body_, nullptr, 0), 0);
  EXPECT_EQ(out_->write(out_, "", 0), 0);
  EXPECT_EQ(out_->flush(out_), 0);
  EXPECT_EQ(out_->try_flush(out_), 0);
  EXPECT_EQ(page_.progress(), before);
}

TEST_P(ExchangeTest, a_plugin_can_say_that_it_gets_on) {
  open("", 0);
  const TimePoint before = page_.progress();
  out_->alive(out_);
  EXPECT_GT(page_.progress(), before);
}

TEST_P(ExchangeTest, an_interest_that_nobody_knows_is_refused) {
  open("", 0);
  EXPECT_EQ(wait(FORKLIFT_WAIT_OUT | 0x40), FORKLIFT_EINVAL);
  EXPECT_THAT(writer_->problem(), testing::HasSubstr("an interest that this server does not know"));
}

TEST_P(ExchangeTest, bytes_that_come_or_go_without_waiting_are_progress) {
  open("", 2);
  line_.send("ab");
  TimePoint before = page_.progress();
  char byte = 0;
  ASSERT_EQ(body_->read(body_, &byte, 1), 1);
  EXPECT_GT(page_.progress(), before);
  before = page_.progress();
  ASSERT_EQ(out_->begin(out_, 200, nullptr, 0), 0);
  ASSERT_EQ(out_->flush(out_), 0);
  EXPECT_GT(page_.progress(), before);
}

}  // namespace
}  // namespace forklift::worker
