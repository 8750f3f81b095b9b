#include "worker/body_reader.h"

#include <forklift/plugin.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "line.h"

namespace forklift::worker {
namespace {

constexpr PaceLimits kNoLimits{};
constexpr PaceLimits kShort{.timeout = milliseconds(30)};

class BodyReaderTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    auto page = ipc::SharedPage::create();
    ASSERT_TRUE(page);
    page_ = std::move(*page);
    socket_ = std::make_unique<ClientSocket>(line_.lend(), page_);
  }

  // What reception does with a head and the part of the body that has come along: on TCP it takes all of it out of the
  // socket, on a Unix socket all but the last `unread` bytes, which it has only peeked at.
  BodyReader reader(std::string_view head, std::string_view along, std::uint64_t length, PaceLimits limits = kNoLimits,
                    std::size_t unread = SIZE_MAX) {
    lent_ = std::string(head).append(along);
    line_.send(lent_);
    return lent(head.size(), length, limits, unread);
  }
  BodyReader lent(std::size_t head_bytes, std::uint64_t length, PaceLimits limits = kNoLimits,
                  std::size_t unread = SIZE_MAX) {
    unread = GetParam() == Kind::kTcp ? 0 : std::min(unread, lent_.size());
    line_.take(lent_.size() - unread);
    return BodyReader(*socket_, std::string_view(lent_).substr(head_bytes), unread, length, limits);
  }

  // Reads to the end or to an error, in pieces of `piece`.
  static std::string read_all(BodyReader& body, std::size_t piece = 1000) {
    std::string all;
    std::string buffer(piece, '\0');
    std::int64_t n = 0;
    while ((n = body.read(buffer.data(), piece, true)) > 0) all.append(buffer, 0, static_cast<std::size_t>(n));
    return n == 0 ? all : all + " and " + std::to_string(n);
  }
  static std::int64_t try_read(BodyReader& body) {
    char byte = 0;
    return body.read(&byte, 1, false);
  }

  Line line_{GetParam()};
  ipc::SharedPage page_;
  std::unique_ptr<ClientSocket> socket_;
  std::string lent_;
};
INSTANTIATE_TEST_SUITE_P(over, BodyReaderTest, testing::Values(Kind::kUnix, Kind::kTcp), kind_name);

TEST_P(BodyReaderTest, without_a_body_there_is_its_end_at_once) {
  BodyReader body = reader("head", "", 0);
  EXPECT_TRUE(body.is_ready());
  EXPECT_EQ(try_read(body), 0);
  EXPECT_TRUE(body.settle());
  EXPECT_EQ(line_.unread(), 0);
}

TEST_P(BodyReaderTest, what_came_along_is_first_and_the_connection_follows) {
  BodyReader body = reader("head", "abc", 8);
  EXPECT_TRUE(body.is_ready());
  line_.send("defgh");
  EXPECT_EQ(read_all(body, 2), "abcdefgh");
  EXPECT_EQ(body.error(), 0);
}

TEST_P(BodyReaderTest, a_read_of_no_bytes_says_nothing) {
  BodyReader body = reader("head", "abc", 3);
  char byte = 0;
  EXPECT_EQ(body.read(&byte, 0, true), 0);
  EXPECT_EQ(read_all(body), "abc");
}

// The invariant that makes a Unix socket resettable: as long as the whole request is there and settle() was not called,
// at least one byte of it is unread. Any length, any split between what came along and what follows, any size of the
// reads.
TEST_P(BodyReaderTest, until_settled_a_byte_of_the_request_stays_unread) {
  const std::string all = "0123456789";
  const bool is_unix = GetParam() == Kind::kUnix;
  for (std::size_t along = 0; along <= all.size(); ++along) {
    for (std::size_t piece = 1; piece <= all.size() + 1; ++piece) {
      for (const std::size_t unread : {1U, 2U, 5U, 100U}) {
        BodyReader body = reader("head", all.substr(0, along), all.size(), kNoLimits, unread);
        line_.send(all.substr(along));
        std::string got;
        std::string buffer(piece, '\0');
        std::int64_t n = 0;
        do {
          ASSERT_TRUE(!is_unix || line_.unread() >= 1) << along << " " << piece << " " << unread << " at " << got;
          n = body.read(buffer.data(), piece, true);
          if (n > 0) got.append(buffer, 0, static_cast<std::size_t>(n));
        } while (n > 0);
        ASSERT_EQ(n, 0);
        ASSERT_EQ(got, all);
        ASSERT_TRUE(!is_unix || line_.unread() >= 1);
        ASSERT_TRUE(body.settle());
        ASSERT_EQ(line_.unread(), 0);
      }
    }
  }
}

TEST_P(BodyReaderTest, any_arrival_gives_the_same_body) {
  const std::string all = "0123456789";
  for (std::size_t step = 1; step <= all.size(); ++step) {
    for (std::size_t piece = 1; piece <= 12; piece += 3) {
      BodyReader body = reader("head", "", all.size());
      std::string got;
      for (std::size_t at = 0; at < all.size(); at += step) {
        EXPECT_EQ(try_read(body), FORKLIFT_EAGAIN);
        line_.send(all.substr(at, step));
        std::string buffer(piece, '\0');
        std::int64_t n = 0;
        while ((n = body.read(buffer.data(), piece, false)) > 0) got.append(buffer, 0, static_cast<std::size_t>(n));
        ASSERT_EQ(got, all.substr(0, at + step)) << "all that has come can be read";
      }
      ASSERT_TRUE(body.settle()) << step << " " << piece;
      ASSERT_EQ(line_.unread(), 0);
    }
  }
}

TEST_P(BodyReaderTest, a_wait_is_for_new_bytes_although_one_stays_unread_on_unix) {
  const bool is_unix = GetParam() == Kind::kUnix;
  BodyReader body = reader("head", "abc", 6);
  char buffer[3];
  ASSERT_EQ(body.read(buffer, 3, false), 3);
  ASSERT_EQ(try_read(body), FORKLIFT_EAGAIN);
  ASSERT_FALSE(body.is_ready());
  socket_->wait(POLLIN, Clock::now());  // may be told once too often
  for (const char* byte : {"d", "e"}) {
    EXPECT_FALSE(socket_->wait(POLLIN, Clock::now()));
    line_.send(byte);
    EXPECT_TRUE(socket_->wait(POLLIN, Clock::now()));
    EXPECT_TRUE(body.has_arrived());
    EXPECT_EQ(try_read(body), 1);
    EXPECT_EQ(line_.unread(), is_unix ? 1 : 0);
  }
  line_.half_close();
  EXPECT_TRUE(socket_->wait(POLLIN, Clock::now()));
  EXPECT_EQ(try_read(body), FORKLIFT_ESHORT);
  EXPECT_EQ(line_.unread(), is_unix ? 1 : 0) << "the close after a broken body is a reset";
}

// On a Unix socket its side is not writable before the piece that sendfile(2) has made is taken to its last byte.
TEST_P(BodyReaderTest, a_client_that_sends_a_file_and_polls_in_between_does_not_stand_still) {
  const std::string all(1'000'000, 'b');
  const UniqueFd file(::memfd_create("body", MFD_CLOEXEC));
  ASSERT_EQ(::write(file.get(), all.data(), all.size()), static_cast<ssize_t>(all.size()));
  BodyReader body = reader("head", "", all.size(), {.timeout = seconds(5)});
  ASSERT_EQ(::fcntl(line_.client(), F_SETFL, O_NONBLOCK), 0);
  std::thread client([&] {
    pollfd room{line_.client(), POLLOUT, 0};
    for (off_t sent = 0; sent < static_cast<off_t>(all.size());) {
      if (::poll(&room, 1, 10'000) != 1) return;
      ::sendfile(line_.client(), file.get(), &sent, all.size());
    }
  });
  EXPECT_EQ(read_all(body, 64 * 1024).size(), all.size()) << body.error();
  line_.close_server();
  client.join();
}

TEST_P(BodyReaderTest, a_response_that_has_begun_keeps_its_byte_while_the_body_is_waited_for) {
  BodyReader body = reader("head", "abc", 6, kShort);
  char byte = 'r';
  const iovec part{&byte, 1};
  ASSERT_EQ(socket_->send({&part, 1}), 1);
  EXPECT_EQ(read_all(body), "abc and " + std::to_string(FORKLIFT_ETIMEOUT));
  EXPECT_EQ(line_.unread(), GetParam() == Kind::kUnix ? 1 : 0);
}

// A wait that ends early may be followed by a response, and a client that talks in turns sends nothing before it.
TEST_P(BodyReaderTest, a_small_piece_keeps_its_byte_in_a_wait_that_may_end_early) {
  BodyReader body = reader("head", "abc", 6);
  char buffer[3];
  ASSERT_EQ(body.read(buffer, 3, false), 3);
  body.make_room(true);
  EXPECT_TRUE(body.can_reset());
  EXPECT_TRUE(GetParam() == Kind::kTcp || line_.unread() > 0);
}

TEST_P(BodyReaderTest, where_room_was_made_the_next_byte_is_kept_before_a_response_begins) {
  const std::string large(20'000, 'b');
  BodyReader body = reader("head", large, large.size() + 3, kShort);
  std::string buffer(large.size(), '\0');
  ASSERT_EQ(body.read(buffer.data(), buffer.size(), false), static_cast<std::int64_t>(large.size()));
  body.make_room(true);
  EXPECT_EQ(line_.unread(), 0);
  const bool is_unix = GetParam() == Kind::kUnix;
  EXPECT_EQ(body.can_reset(), !is_unix);
  EXPECT_EQ(body.prepare_reset(false), is_unix ? FORKLIFT_EAGAIN : 0);
  line_.send("c");
  EXPECT_TRUE(body.can_reset());
  EXPECT_EQ(body.prepare_reset(true), 0);
  EXPECT_EQ(try_read(body), 1);
  EXPECT_EQ(line_.unread(), is_unix ? 1 : 0);
  body.make_room(true);
  EXPECT_EQ(body.prepare_reset(true), is_unix ? FORKLIFT_ETIMEOUT : 0);
}

TEST_P(BodyReaderTest, never_more_than_its_length) {
  BodyReader body = reader("head", "abcSURPLUS", 3);
  EXPECT_EQ(read_all(body), "abc");
  EXPECT_FALSE(body.settle());
}

TEST_P(BodyReaderTest, nor_of_what_follows_in_the_connection) {
  BodyReader body = reader("head", "a", 3);
  line_.send("bcSURPLUS");
  EXPECT_EQ(read_all(body), "abc");
  EXPECT_FALSE(body.settle()) << "there is something left to drain";
}

TEST_P(BodyReaderTest, a_body_that_ends_early_is_an_error_that_stays) {
  for (const char* also : {"", "b", "bc"}) {
    Line line(GetParam());
    ClientSocket socket(line.lend(), page_);
    BodyReader body(socket, "a", 0, 4, kNoLimits);
    if (*also) line.send(also);
    line.half_close();
    EXPECT_EQ(read_all(body), "a" + std::string(also) + " and " + std::to_string(FORKLIFT_ESHORT));
    EXPECT_EQ(try_read(body), FORKLIFT_ESHORT);
    EXPECT_EQ(body.error(), FORKLIFT_ESHORT);
    EXPECT_TRUE(body.is_ready());
    EXPECT_FALSE(body.settle());
  }
}

// On a Unix socket the last byte but one and the last take different ways through the reader.
TEST_P(BodyReaderTest, one_missing_byte_is_enough) {
  BodyReader body = reader("head", "", 3);
  line_.send("ab");
  line_.half_close();
  char buffer[10];
  EXPECT_EQ(body.read(buffer, sizeof buffer, true), 2);
  EXPECT_EQ(body.read(buffer, sizeof buffer, true), FORKLIFT_ESHORT);
}

TEST_P(BodyReaderTest, a_client_that_stands_still_is_an_error_that_stays) {
  BodyReader body = reader("head", "a", 3, kShort);
  EXPECT_EQ(read_all(body), "a and " + std::to_string(FORKLIFT_ETIMEOUT));
  line_.send("bc");
  EXPECT_EQ(try_read(body), FORKLIFT_ETIMEOUT);
  EXPECT_FALSE(body.settle());
}

TEST_P(BodyReaderTest, without_waiting_the_same_time_counts) {
  BodyReader body = reader("head", "", 3, kShort);
  EXPECT_TRUE(eventually([&] {
    const std::int64_t n = try_read(body);
    EXPECT_TRUE(n == FORKLIFT_EAGAIN || n == FORKLIFT_ETIMEOUT) << n;
    return n == FORKLIFT_ETIMEOUT;
  }));
}

TEST_P(BodyReaderTest, a_timeout_of_0_is_off) {
  BodyReader body = reader("head", "", 3);
  EXPECT_EQ(try_read(body), FORKLIFT_EAGAIN);
  EXPECT_EQ(body.stall_deadline(), kNever);
}

TEST_P(BodyReaderTest, each_byte_begins_the_time_anew) {
  BodyReader body = reader("head", "", 3, {.timeout = seconds(60)});
  EXPECT_EQ(try_read(body), FORKLIFT_EAGAIN);
  const TimePoint first = body.stall_deadline();
  EXPECT_EQ(body.stall_deadline(), first) << "asking does not move it";
  line_.send("a");
  EXPECT_EQ(try_read(body), 1);
  EXPECT_EQ(try_read(body), FORKLIFT_EAGAIN);
  EXPECT_GT(body.stall_deadline(), first);
}

// Every byte is progress, but at this rate the body would take for ever.
TEST_P(BodyReaderTest, a_drip_is_no_progress_in_the_long_run) {
  BodyReader body = reader("head", "", 1'000'000, {.timeout = milliseconds(30), .rate = 1'000'000});
  EXPECT_TRUE(eventually([&] {
    line_.send("x");
    (void)try_read(body);
    return try_read(body) == FORKLIFT_ETIMEOUT;
  }));
}

TEST_P(BodyReaderTest, nor_is_it_where_the_plugin_waits_for_each_byte) {
  BodyReader body = reader("head", "", 1'000'000, {.timeout = milliseconds(30), .rate = 1'000'000});
  std::atomic<bool> over = false;
  std::thread client([&] {
    while (!over && ::send(line_.client(), "x", 1, MSG_NOSIGNAL) == 1) ::poll(nullptr, 0, 1);
  });
  const TimePoint end = Clock::now() + seconds(10);
  std::int64_t n = 1;
  char byte = 0;
  while (n > 0 && Clock::now() < end) n = body.read(&byte, 1, true);
  EXPECT_EQ(n, FORKLIFT_ETIMEOUT);
  over = true;
  client.join();
}

// What has come while the plugin did something else was there in time.
TEST_P(BodyReaderTest, the_time_of_the_plugin_is_not_the_clients) {
  constexpr milliseconds kTimeout(400);
  BodyReader body = reader("head", "", 1'000'000, {.timeout = kTimeout, .rate = 1024});
  char buffer[100];
  for (int piece = 0; piece < 3; ++piece) {
    ASSERT_EQ(try_read(body), FORKLIFT_EAGAIN) << piece;
    line_.send(std::string(sizeof buffer, 'x'));
    ::poll(nullptr, 0, 300);  // at work
    ASSERT_EQ(body.read(buffer, sizeof buffer, false), static_cast<std::int64_t>(sizeof buffer)) << piece;
  }
  const TimePoint before = Clock::now();
  ASSERT_EQ(try_read(body), FORKLIFT_EAGAIN);
  char byte = 0;
  EXPECT_EQ(body.read(&byte, 1, true), FORKLIFT_ETIMEOUT);
  EXPECT_GE(Clock::now() - before, kTimeout - milliseconds(5)) << "of waiting";
}

TEST_P(BodyReaderTest, what_has_come_earns_time_at_the_rate) {
  BodyReader body = reader("head", "", 1'000'000, {.timeout = seconds(60), .rate = 10});
  line_.send(std::string(1000, 'x'));
  char buffer[1000];
  ASSERT_EQ(body.read(buffer, sizeof buffer, true), 1000);
  // Of 60 s without progress, and 60 s and 1000 / 10 s since the beginning, the first is sooner.
  const TimePoint before = Clock::now();
  const TimePoint deadline = body.stall_deadline();
  EXPECT_GE(deadline, before + seconds(60));
  EXPECT_LE(deadline, Clock::now() + seconds(60));
}

TEST_P(BodyReaderTest, a_reset_connection_is_gone) {
  if (GetParam() == Kind::kUnix) return;  // there a close looks like an end, and the body like a short one
  BodyReader body = reader("head", "a", 3);
  line_.reset();
  EXPECT_EQ(read_all(body), "a and " + std::to_string(FORKLIFT_EGONE));
  EXPECT_FALSE(body.settle());
}

TEST_P(BodyReaderTest, an_error_from_outside_ends_it) {
  BodyReader body = reader("head", "a", 3);
  body.fail(FORKLIFT_ETIMEOUT);
  EXPECT_EQ(try_read(body), FORKLIFT_ETIMEOUT);
  EXPECT_FALSE(body.settle());
}

TEST_P(BodyReaderTest, settles_what_came_along_although_nobody_read_it) {
  BodyReader body = reader("head", "abc", 3);
  EXPECT_TRUE(body.settle());
  EXPECT_EQ(line_.unread(), 0);
}

TEST_P(BodyReaderTest, does_not_settle_while_a_part_of_the_body_is_unread_or_on_its_way) {
  BodyReader in_socket = reader("head", "ab", 3);
  line_.send("c");
  EXPECT_FALSE(in_socket.settle());
  line_.take(static_cast<std::size_t>(line_.unread()));
  BodyReader on_its_way = reader("head", "ab", 3);
  EXPECT_FALSE(on_its_way.settle());
}

TEST_P(BodyReaderTest, settles_with_a_client_that_has_said_all) {
  BodyReader body = reader("head", "abc", 3);
  line_.half_close();
  EXPECT_EQ(read_all(body), "abc");
  EXPECT_TRUE(body.settle());
}

TEST_P(BodyReaderTest, a_byte_too_many_behind_a_request_that_came_as_a_whole_is_found) {
  BodyReader body = reader("head", "", 0);
  line_.send("x");
  EXPECT_FALSE(body.settle());
}

// More unread than settle() takes at once.
TEST_P(BodyReaderTest, settles_a_large_request_that_was_only_peeked) {
  for (const std::size_t size : {16383U, 16384U, 16385U, 32768U, 70'000U}) {
    const std::string large(size, 'b');
    for (const bool surplus : {false, true}) {
      BodyReader body = reader("", large, size);
      if (surplus) line_.send("!");
      EXPECT_EQ(body.settle(), !surplus) << size;
      EXPECT_TRUE(surplus || line_.unread() == 0) << size;
      line_.take(static_cast<std::size_t>(line_.unread()));
    }
  }
}

}  // namespace
}  // namespace forklift::worker
