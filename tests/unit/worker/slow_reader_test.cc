// Responses to a client that reads slowly, or not at all.
#include <forklift/plugin.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "line.h"
#include "worker/response_writer.h"

namespace forklift::worker {
namespace {

std::string numbers(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

class SlowReaderTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    auto page = ipc::SharedPage::create();
    ASSERT_TRUE(page);
    page_ = std::move(*page);
    line_.narrow();
    socket_ = std::make_unique<ClientSocket>(line_.lend(), page_);
    answer({});
  }
  void answer(Duration timeout, std::uint64_t rate = 0) {
    out_ = std::make_unique<ResponseWriter>(*socket_, page_, "GET", PaceLimits{.timeout = timeout, .rate = rate});
    EXPECT_EQ(out_->begin({.status = 200, .reason = {}, .headers = {}, .content_length = {}}), 0);
  }
  // Writes until nothing more is taken.
  void fill() {
    const std::string piece(10'000, 'x');
    while (out_->try_write(piece) > 0) continue;
  }

  Line line_{GetParam()};
  ipc::SharedPage page_;
  std::unique_ptr<ClientSocket> socket_;
  std::unique_ptr<ResponseWriter> out_;
};
INSTANTIATE_TEST_SUITE_P(over, SlowReaderTest, testing::Values(Kind::kUnix, Kind::kTcp), kind_name);

TEST_P(SlowReaderTest, partial_sends_keep_the_order_and_lose_nothing) {
  const std::string body = numbers(1'500'000);
  std::mt19937 random(11);
  std::string got;
  std::size_t written = 0;
  int refused = 0;
  const TimePoint deadline = Clock::now() + seconds(20);
  while (written < body.size() && Clock::now() < deadline) {
    const std::int64_t n = out_->try_write(std::string_view(body).substr(written, 1 + random() % 100'000));
    if (n > 0) {
      written += static_cast<std::size_t>(n);
    } else {
      ASSERT_EQ(n, FORKLIFT_EAGAIN);
      ++refused;
      got += line_.read_some(1 + random() % (GetParam() == Kind::kUnix ? 5000 : 200'000));
    }
  }
  ASSERT_EQ(written, body.size());
  EXPECT_GT(refused, 0);
  // What is left waits for the client, which therefore needs a thread of its own.
  Page rest;
  std::thread reader([&] { rest = line_.read_all(); });
  EXPECT_EQ(out_->finish(), 0) << out_->problem();
  socket_->shut_down();
  reader.join();
  EXPECT_TRUE(got + rest.bytes == "Status: 200 OK\r\n\r\n" + body);
  EXPECT_EQ(page_.sent(), body.size());
}

TEST_P(SlowReaderTest, a_write_waits_as_long_as_there_is_progress) {
  const std::string body = numbers(3'000'000);
  Page page;
  std::thread reader([&] { page = line_.read_all(); });
  for (std::size_t at = 0; at < body.size(); at += 300'000) EXPECT_EQ(out_->write(body.substr(at, 300'000)), 0);
  EXPECT_EQ(out_->finish(), 0);
  socket_->shut_down();
  reader.join();
  EXPECT_TRUE(page.bytes == "Status: 200 OK\r\n\r\n" + body);
}

TEST_P(SlowReaderTest, a_client_that_takes_nothing_for_timeouts_write_ends_it) {
  answer(milliseconds(30));
  EXPECT_EQ(out_->write(std::string(10'000'000, 'x')), FORKLIFT_ETIMEOUT);
  EXPECT_NE(out_->problem().find("timeouts.write"), std::string::npos);
  EXPECT_EQ(out_->write("x"), FORKLIFT_ETIMEOUT) << "an error stays";
  EXPECT_EQ(out_->finish(), FORKLIFT_ETIMEOUT);
  EXPECT_TRUE(out_->started());
}

TEST_P(SlowReaderTest, without_waiting_the_same_time_counts) {
  answer(milliseconds(30));
  fill();
  EXPECT_TRUE(eventually([&] {
    const std::int64_t n = out_->try_write("x");
    if (n > 0) fill();  // the kernel has found room since
    EXPECT_TRUE(n > 0 || n == FORKLIFT_EAGAIN || n == FORKLIFT_ETIMEOUT) << n;
    return n == FORKLIFT_ETIMEOUT;
  }));
}

TEST_P(SlowReaderTest, each_sent_byte_begins_the_time_anew) {
  answer(seconds(60));
  fill();
  const TimePoint first = out_->stall_deadline();
  EXPECT_EQ(out_->stall_deadline(), first) << "asking does not move it";
  EXPECT_TRUE(eventually([&] {
    (void)line_.read_some(100'000);
    return out_->try_write("x") > 0;
  }));
  EXPECT_GT(out_->stall_deadline(), first);
}

// Takes a little again and again, as long as it lives.
class SippingClient {
 public:
  explicit SippingClient(Line& line)
      : thread_([this, &line] {
          while (!over_) {
            (void)line.read_some(1000);
            ::poll(nullptr, 0, 5);
          }
        }) {}
  ~SippingClient() {
    over_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

// Every byte is progress, but at this rate the worker would be held for ever.
TEST_P(SlowReaderTest, a_client_that_takes_a_little_all_the_time_ends_it) {
  answer(milliseconds(100), 1'000'000'000);
  const SippingClient client(line_);
  const std::string piece(10'000, 'x');
  const TimePoint end = Clock::now() + seconds(10);
  int result = 0;
  while (result == 0 && Clock::now() < end) result = out_->write(piece);
  EXPECT_EQ(result, FORKLIFT_ETIMEOUT);
  EXPECT_NE(out_->problem().find("limits.body_rate"), std::string::npos);
}

TEST_P(SlowReaderTest, nor_may_a_plugin_wait_for_it_itself) {
  answer(milliseconds(100), 1'000'000'000);
  const SippingClient client(line_);
  const std::string piece(10'000, 'x');
  const TimePoint end = Clock::now() + seconds(10);
  std::int64_t result = 0;
  while (result >= 0 || (result == FORKLIFT_EAGAIN && Clock::now() < end)) {
    result = out_->try_write(piece);
    if (result != FORKLIFT_EAGAIN) continue;
    socket_->wait(POLLOUT, std::min(end, out_->stall_deadline()));
    out_->note_waited();
  }
  EXPECT_EQ(result, FORKLIFT_ETIMEOUT);
}

// For poll(2) there is room in a Unix socket when three quarters of its buffer are free, which takes this client longer
// than timeouts.write.
TEST(SlowReader, on_a_unix_socket_takes_something_before_poll_says_so) {
  Line line(Kind::kUnix);
  auto page = ipc::SharedPage::create();
  ASSERT_TRUE(page);
  ClientSocket socket(line.lend(), *page);
  ResponseWriter out(socket, *page, "GET", PaceLimits{.timeout = seconds(1)});
  EXPECT_EQ(out.begin({.status = 200, .reason = {}, .headers = {}, .content_length = {}}), 0);
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      (void)line.read_some(8'000);
      ::poll(nullptr, 0, 100);
    }
  });
  EXPECT_EQ(out.write(std::string(300'000, 'x')), 0) << out.problem();
  done = true;
  reader.join();
}

// What poll(2) says of the connection and what the writer says of its buffer fit together: after a wait there is
// something to be done.
TEST_P(SlowReaderTest, when_the_connection_takes_a_byte_the_buffer_does_too) {
  for (int round = 0; round < 50; ++round) {
    fill();
    ASSERT_FALSE(out_->has_room());
    ASSERT_TRUE(eventually([&] {
      (void)line_.read_some(GetParam() == Kind::kUnix ? 1000 : 100'000);
      return socket_->wait(POLLOUT, Clock::now());
    }));
    ASSERT_GT(out_->try_write("x"), 0) << round;
  }
}

}  // namespace
}  // namespace forklift::worker
