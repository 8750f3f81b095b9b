#include "worker/response_writer.h"

#include <fcntl.h>
#include <forklift/plugin.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "line.h"

namespace forklift::worker {
namespace {

using ipc::ResponseState;
using testing::HasSubstr;

constexpr std::size_t kBuffer = 64 * 1024;
constexpr std::string_view kHead = "Content-Type: text/plain\n\n";

class ResponseWriterTest : public testing::Test {
 protected:
  void SetUp() override { answer("GET"); }

  // A new connection, and a response to a request with this method.
  void answer(std::string_view method, Duration timeout = {}) {
    auto page = ipc::SharedPage::create();
    ASSERT_TRUE(page);
    page_ = std::move(*page);
    line_ = std::make_unique<Line>(Kind::kUnix);
    socket_ = std::make_unique<ClientSocket>(line_->lend(), page_);
    out_ = std::make_unique<ResponseWriter>(*socket_, page_, method, PaceLimits{.timeout = timeout});
  }

  static protocol::ResponseHead head(int status, std::vector<std::pair<std::string, std::string>> headers = {}) {
    return {.status = status, .reason = {}, .headers = std::move(headers), .content_length = {}};
  }

  // Ends the connection and returns what the client has received.
  std::string received() {
    socket_->close();
    line_->close_server();
    return line_->read_all().bytes;
  }
  std::string finished() {
    EXPECT_EQ(out_->finish(), 0) << out_->problem();
    return received();
  }

  ipc::SharedPage page_;
  std::unique_ptr<Line> line_;
  std::unique_ptr<ClientSocket> socket_;
  std::unique_ptr<ResponseWriter> out_;
};

TEST_F(ResponseWriterTest, a_short_page_is_sent_at_its_end_with_its_length) {
  EXPECT_EQ(out_->write("Content-Type: text/plain\n\nHello"), 0);
  EXPECT_FALSE(out_->started());
  EXPECT_EQ(page_.response(), ResponseState::kNone);
  EXPECT_EQ(line_->read_some(100), "");
  EXPECT_EQ(finished(), "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nHello");
  EXPECT_TRUE(out_->started());
  EXPECT_EQ(page_.response(), ResponseState::kStarted) << "complete is what the server makes of it";
  EXPECT_EQ(out_->status(), 200);
  EXPECT_EQ(page_.sent(), 5U);
}

TEST_F(ResponseWriterTest, a_header_block_in_any_two_pieces_is_the_same) {
  const std::string all = "Status: 404 Not Found\r\nContent-Type: text/plain\nX: y\r\n\r\n\r\nbody\n\n";
  const std::string expected =
      "Status: 404 Not Found\r\nContent-Type: text/plain\r\nX: y\r\nContent-Length: 8\r\n\r\n\r\nbody\n\n";
  for (std::size_t split = 0; split <= all.size(); ++split) {
    answer("GET");
    EXPECT_EQ(out_->write(all.substr(0, split)), 0);
    EXPECT_EQ(out_->write(all.substr(split)), 0);
    EXPECT_EQ(finished(), expected) << split;

    answer("GET");
    EXPECT_EQ(out_->try_write(all.substr(0, split)), static_cast<std::int64_t>(split));
    EXPECT_EQ(out_->try_write(all.substr(split)), static_cast<std::int64_t>(all.size() - split));
    EXPECT_EQ(finished(), expected) << split;
  }
}

TEST_F(ResponseWriterTest, a_header_block_byte_by_byte_is_the_same) {
  for (const char c : std::string("Content-Type: a/b\r\n\r\nbody")) EXPECT_EQ(out_->write({&c, 1}), 0);
  EXPECT_EQ(finished(), "Status: 200 OK\r\nContent-Type: a/b\r\nContent-Length: 4\r\n\r\nbody");
}

TEST_F(ResponseWriterTest, begin_takes_the_head_as_values) {
  EXPECT_EQ(out_->begin(head(201, {{"Location", "/new"}})), 0);
  EXPECT_EQ(out_->write("Content-Type: not a header any more\n\n"), 0);
  EXPECT_EQ(
      finished(),
      "Status: 201 Created\r\nLocation: /new\r\nContent-Length: 37\r\n\r\nContent-Type: not a header any more\n\n");
}

TEST_F(ResponseWriterTest, an_empty_page_has_a_length_of_0) {
  EXPECT_EQ(out_->begin(head(200)), 0);
  EXPECT_EQ(finished(), "Status: 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST_F(ResponseWriterTest, begin_comes_once_and_first) {
  EXPECT_EQ(out_->begin(head(200)), 0);
  EXPECT_EQ(out_->begin(head(200)), FORKLIFT_EINVAL);
  EXPECT_THAT(out_->problem(), HasSubstr("begin was called twice"));
  EXPECT_EQ(out_->write("x"), FORKLIFT_EINVAL) << "an error stays";
  EXPECT_EQ(out_->finish(), FORKLIFT_EINVAL);

  answer("GET");
  EXPECT_EQ(out_->write("Content-"), 0);
  EXPECT_EQ(out_->begin(head(200)), FORKLIFT_EINVAL);
  EXPECT_THAT(out_->problem(), HasSubstr("after write"));

  answer("GET");
  EXPECT_EQ(out_->write(kHead), 0);
  EXPECT_EQ(out_->begin(head(200)), FORKLIFT_EINVAL);

  answer("GET");
  EXPECT_EQ(out_->write(""), 0);
  EXPECT_EQ(out_->begin(head(200)), 0) << "nothing was written";
  EXPECT_EQ(received(), "");
}

TEST_F(ResponseWriterTest, a_bad_head_is_an_error_that_says_what_is_wrong) {
  EXPECT_EQ(out_->begin(head(199)), FORKLIFT_EINVAL);
  EXPECT_THAT(out_->problem(), HasSubstr("199"));
  answer("GET");
  EXPECT_EQ(out_->begin(head(200, {{"A", "b\r\nEvil: yes"}})), FORKLIFT_EINVAL);
  EXPECT_THAT(out_->problem(), HasSubstr("control character"));
  answer("GET");
  EXPECT_EQ(out_->write("no header here\n\n"), FORKLIFT_EINVAL);
  EXPECT_THAT(out_->problem(), HasSubstr("no colon"));
  answer("GET");
  EXPECT_EQ(out_->try_write("no header here\n\n"), FORKLIFT_EINVAL);
  EXPECT_FALSE(out_->started());
}

TEST_F(ResponseWriterTest, a_response_without_a_whole_head_is_none) {
  EXPECT_EQ(out_->flush(), FORKLIFT_EINVAL);
  answer("GET");
  EXPECT_EQ(out_->finish(), FORKLIFT_EINVAL);
  EXPECT_EQ(out_->problem(), "the plugin has written nothing");
  answer("GET");
  EXPECT_EQ(out_->write("Content-Type: a/b\n"), 0);
  EXPECT_EQ(out_->finish(), FORKLIFT_EINVAL);
  EXPECT_THAT(out_->problem(), HasSubstr("before its header block is complete"));
  EXPECT_EQ(received(), "");
}

TEST_F(ResponseWriterTest, a_header_block_may_have_64_kib_and_no_more) {
  const std::string last = "\n\n";
  for (const std::size_t size : {kBuffer - 1, kBuffer, kBuffer + 1}) {
    for (const std::size_t piece : {std::size_t{1000}, kBuffer * 2}) {
      answer("GET");
      const std::string block = "X: " + std::string(size - 5, 'x') + last;
      ASSERT_EQ(block.size(), size);
      int result = 0;
      for (std::size_t at = 0; at < size && result == 0; at += piece) result = out_->write(block.substr(at, piece));
      EXPECT_EQ(result, size <= kBuffer ? 0 : FORKLIFT_EINVAL) << size << " in pieces of " << piece;
    }
  }
  EXPECT_EQ(out_->problem(), "the header block is over 64 KiB");
}

TEST_F(ResponseWriterTest, a_body_of_64_kib_is_buffered_and_one_byte_more_is_sent_on_its_way) {
  for (const std::size_t size : {kBuffer - 1, kBuffer, kBuffer + 1}) {
    for (const std::size_t piece : {std::size_t{1000}, kBuffer * 2}) {
      answer("GET");
      std::string body(size, 'b');
      body.back() = 'e';
      EXPECT_EQ(out_->write(kHead), 0);
      for (std::size_t at = 0; at < size; at += piece) EXPECT_EQ(out_->write(body.substr(at, piece)), 0);
      EXPECT_EQ(out_->started(), size > kBuffer);
      const std::string length = size > kBuffer ? "" : "Content-Length: " + std::to_string(size) + "\r\n";
      EXPECT_TRUE(finished() == "Status: 200 OK\r\nContent-Type: text/plain\r\n" + length + "\r\n" + body)
          << size << " in pieces of " << piece;
    }
  }
}

TEST_F(ResponseWriterTest, what_was_flushed_has_no_length_and_more_follows) {
  EXPECT_EQ(out_->write(kHead), 0);
  EXPECT_EQ(out_->write("first,"), 0);
  EXPECT_EQ(out_->flush(), 0);
  EXPECT_TRUE(out_->started());
  EXPECT_EQ(page_.response(), ResponseState::kStarted);
  EXPECT_EQ(line_->read_some(100), "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nfirst,");
  EXPECT_EQ(out_->write("second,"), 0);
  EXPECT_EQ(line_->read_some(100), "") << "buffered again";
  EXPECT_EQ(out_->flush(), 0);
  EXPECT_EQ(out_->flush(), 0);
  EXPECT_EQ(out_->write("third"), 0);
  EXPECT_EQ(finished(), "second,third");
}

TEST_F(ResponseWriterTest, a_response_that_has_no_body_drops_it) {
  EXPECT_EQ(out_->begin(head(204)), 0);
  EXPECT_EQ(out_->write("dropped"), 0);
  EXPECT_EQ(finished(), "Status: 204 No Content\r\n\r\n");
  answer("GET");
  EXPECT_EQ(out_->write("Status: 304\nETag: \"x\"\n\ndropped"), 0);
  EXPECT_EQ(finished(), "Status: 304 Not Modified\r\nETag: \"x\"\r\n\r\n");
}

TEST_F(ResponseWriterTest, to_head_the_length_is_that_of_the_page_that_was_not_sent) {
  answer("HEAD");
  EXPECT_EQ(out_->write(std::string(kHead) + "Hello"), 0);
  EXPECT_EQ(finished(), "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
  answer("HEAD");
  EXPECT_EQ(out_->write(kHead), 0);
  EXPECT_EQ(finished(), "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n") << "whose length nobody knows";
  answer("HEAD");
  EXPECT_EQ(out_->write("Content-Length: 1000000\n\n"), 0);
  EXPECT_EQ(finished(), "Status: 200 OK\r\nContent-Length: 1000000\r\n\r\n");
  answer("HEAD");
  EXPECT_EQ(out_->write(kHead), 0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(out_->write(std::string(10'000, 'x')), 0);
  EXPECT_EQ(finished(), "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n");
}

// The same promise, whichever way it was given.
class DeclaredLengthTest : public ResponseWriterTest, public testing::WithParamInterface<bool> {
 protected:
  void declare(const std::string& length) {
    if (GetParam()) {
      EXPECT_EQ(out_->begin(head(200, {{"content-LENGTH", length}})), 0);
    } else {
      EXPECT_EQ(out_->write("content-LENGTH: " + length + "\n\n"), 0);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(by, DeclaredLengthTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "begin" : "header_block"; });

TEST_P(DeclaredLengthTest, is_sent_once_as_it_was_written) {
  declare("5");
  EXPECT_EQ(out_->write("Hello"), 0);
  EXPECT_EQ(finished(), "Status: 200 OK\r\ncontent-LENGTH: 5\r\n\r\nHello");
}

TEST_P(DeclaredLengthTest, a_shorter_body_is_an_error_at_its_end) {
  declare("6");
  EXPECT_EQ(out_->write("Hello"), 0);
  EXPECT_EQ(out_->finish(), FORKLIFT_EINVAL);
  EXPECT_THAT(out_->problem(), testing::AllOf(HasSubstr("5 bytes"), HasSubstr("says 6")));
  EXPECT_FALSE(out_->started());
}

TEST_P(DeclaredLengthTest, a_longer_body_is_an_error_at_its_first_byte_too_many_and_that_byte_is_never_sent) {
  declare("5");
  EXPECT_EQ(out_->write("Hello"), 0);
  EXPECT_EQ(out_->flush(), 0);
  EXPECT_EQ(out_->write("!"), FORKLIFT_EINVAL);
  EXPECT_THAT(out_->problem(), HasSubstr("longer than its Content-Length of 5"));
  EXPECT_EQ(out_->finish(), FORKLIFT_EINVAL);
  EXPECT_EQ(received(), "Status: 200 OK\r\ncontent-LENGTH: 5\r\n\r\nHello");

  answer("GET");
  declare("5");
  EXPECT_EQ(out_->try_write("Hello!"), FORKLIFT_EINVAL);
}

TEST_F(ResponseWriterTest, send_file_sends_that_part_of_it_and_leaves_its_position) {
  std::string name = testing::TempDir() + "forklift-file-XXXXXX";
  const UniqueFd file(::mkostemp(name.data(), O_CLOEXEC));
  ASSERT_TRUE(file);
  ::unlink(name.c_str());
  std::string content;
  for (int i = 0; content.size() < 300'000; ++i) content += std::to_string(i) + " ";
  ASSERT_EQ(::write(file.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
  ::lseek(file.get(), 7, SEEK_SET);

  EXPECT_EQ(out_->begin(head(200)), 0);
  EXPECT_EQ(out_->send_file(file.get(), 10, 1000), 0);
  EXPECT_EQ(out_->send_file(file.get(), 5, 0), 0);
  EXPECT_EQ(out_->send_file(file.get(), 0, 100'000), 0);
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_CUR), 7);
  EXPECT_TRUE(finished() == "Status: 200 OK\r\n\r\n" + content.substr(10, 1000) + content.substr(0, 100'000));

  answer("GET");
  EXPECT_EQ(out_->begin(head(200)), 0);
  EXPECT_EQ(out_->send_file(file.get(), content.size() - 10, 11), FORKLIFT_EIO);
  EXPECT_THAT(out_->problem(), HasSubstr("ends 1 bytes early"));
  answer("GET");
  EXPECT_EQ(out_->begin(head(200)), 0);
  EXPECT_EQ(out_->send_file(-1, 0, 1), FORKLIFT_EIO);
  EXPECT_THAT(out_->problem(), HasSubstr("Bad file descriptor"));
  answer("GET");
  EXPECT_EQ(out_->begin(head(200)), 0);
  EXPECT_EQ(out_->send_file(file.get(), UINT64_MAX, 1), FORKLIFT_EIO);
}

// Nobody waits for what nobody gets.
TEST_F(ResponseWriterTest, to_head_a_file_is_not_read) {
  const UniqueFd file(::memfd_create("page", MFD_CLOEXEC));
  constexpr std::uint64_t kHuge = 200ULL << 30;
  ASSERT_EQ(::ftruncate(file.get(), kHuge), 0);
  const TimePoint begin = Clock::now();
  answer("HEAD");
  EXPECT_EQ(out_->begin(head(200)), 0);
  page_.set_activity(ipc::Activity::kPlugin);
  const TimePoint before = page_.progress();
  EXPECT_EQ(out_->send_file(file.get(), 0, kHuge), 0);
  EXPECT_GT(page_.progress(), before);
  EXPECT_EQ(out_->send_file(file.get(), 10, 5), 0);
  EXPECT_EQ(finished(), "Status: 200 OK\r\nContent-Length: 214748364805\r\n\r\n");
  answer("HEAD");
  EXPECT_EQ(out_->begin(head(200)), 0);
  EXPECT_EQ(out_->send_file(file.get(), kHuge - 10, 11), FORKLIFT_EIO);
  EXPECT_THAT(out_->problem(), HasSubstr("ends 1 bytes early"));
  answer("HEAD");
  EXPECT_EQ(out_->begin(head(200)), 0);
  EXPECT_EQ(out_->send_file(-1, 0, 1), FORKLIFT_EIO);
  EXPECT_LT(Clock::now() - begin, seconds(5));
}

TEST_F(ResponseWriterTest, another_response_replaces_what_was_not_sent) {
  EXPECT_EQ(out_->write(kHead), 0);
  EXPECT_EQ(out_->write("half a page"), 0);
  out_->fail(FORKLIFT_EINVAL, "a reason");
  EXPECT_EQ(out_->replace("Status: 500 Internal Server Error\r\n\r\nsorry", 500), 0);
  EXPECT_EQ(out_->status(), 500);
  EXPECT_EQ(page_.sent(), 5U);
  EXPECT_EQ(page_.response(), ResponseState::kStarted);
  EXPECT_EQ(received(), "Status: 500 Internal Server Error\r\n\r\nsorry");
}

TEST_F(ResponseWriterTest, a_client_that_is_gone_is_an_error_that_stays_and_no_signal) {
  line_->close();
  EXPECT_EQ(out_->write(kHead), 0);
  EXPECT_EQ(out_->flush(), FORKLIFT_EGONE);
  EXPECT_EQ(out_->write("x"), FORKLIFT_EGONE);
  EXPECT_EQ(out_->try_write("x"), FORKLIFT_EGONE);
  EXPECT_EQ(out_->finish(), FORKLIFT_EGONE);
  EXPECT_TRUE(out_->has_room()) << "there is an error to be told";
}

}  // namespace
}  // namespace forklift::worker
