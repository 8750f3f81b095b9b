// Requests that fail: what their clients see of it, and what the log says.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "serving.h"
#include "worker/serve.h"

namespace forklift::worker {
namespace {

using ipc::Ending;
using ipc::ResponseState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

using ServeFailureTest = ServeTest;
INSTANTIATE_TEST_SUITE_P(over, ServeFailureTest, testing::Values(Kind::kUnix, Kind::kTcp), kind_name);

TEST_P(ServeFailureTest, failures_before_the_first_byte_are_a_clean_500_and_their_reason_is_for_the_log_alone) {
  struct Case {
    Work work;
    std::string reason;
  };
  const std::vector<Case> cases = {
      {[](auto*, auto*, auto*) { return 7; }, "produce returned 7"},
      {[](auto*, auto*, auto* out) {
         out->fail(out, "secret: no such\ntable");
         return 1;
       },
       "secret: no such\\ntable"},
      {[](auto*, auto*, auto* out) {
         write(out, "A: b\n\nsecret half a page");
         return -1;
       },
       "produce returned -1"},
      {[](auto*, auto*, auto*) -> int { throw std::runtime_error("secret"); }, "an exception left produce: secret"},
      {[](auto*, auto*, auto* out) -> int {
         write(out, "A: b\n\nsecret half a page");
         throw 5;
       },
       "no std::exception left produce"},
      {[](auto*, auto*, auto*) { return 0; }, "the plugin has written nothing"},
      {[](auto*, auto*, auto* out) { return write(out, "Content-Type: secret"), 0; }, "header block is complete"},
      {[](auto*, auto*, auto* out) { return write(out, "<html>secret\n\n"), 0; }, "has no colon: \"<html>secret\""},
      {[](auto*, auto*, auto* out) { return write(out, "Content-Length: 9\n\nsecret"), 0; }, "6 bytes"},
      {[](auto*, auto*, auto* out) { return write(out, "Content-Length: 3\n\nsecret"), 0; }, "longer"},
      {[](auto*, auto*, auto* out) {
         out->begin(out, 200, nullptr, 0);
         return out->begin(out, 200, nullptr, 0);
       },
       "begin was called twice"},
      {[](auto*, auto*, auto* out) { return out->begin(out, 99, nullptr, 0), 0; }, "99"},
  };
  for (const auto& [work, reason] : cases) {
    SCOPED_TRACE(reason);
    log_.clear();
    line_ = Line(GetParam());
    const ipc::Done done = serve(work);
    EXPECT_EQ(done.ending, Ending::kComplete);
    EXPECT_EQ(done.status, 500U);
    const std::string page = whole_page(done);
    EXPECT_THAT(page, StartsWith("Status: 500 Internal Server Error\r\n"));
    EXPECT_EQ(page.find("secret"), std::string::npos);
    ASSERT_EQ(log_.size(), 1U);
    EXPECT_THAT(log_[0], StartsWith("error: GET \"/x\" answered 500: "));
    EXPECT_THAT(log_[0], HasSubstr(reason));
    EXPECT_EQ(log_[0].find('\n'), std::string::npos);
  }
}

TEST_P(ServeFailureTest, failures_after_the_first_byte_are_an_abort) {
  const std::vector<Work> cases = {
      [](auto*, auto*, auto*) { return 1; },
      [](auto*, auto*, auto*) -> int { throw std::runtime_error("late"); },
      [](auto*, auto*, auto* out) { return out->begin(out, 200, nullptr, 0), 0; },
  };
  for (const auto& then : cases) {
    log_.clear();
    line_ = Line(GetParam());
    const ipc::Done done = serve([&](auto* env, auto* body, auto* out) {
      write(out, "A: b\n\nhalf a page");
      EXPECT_EQ(out->flush(out), 0);
      return then(env, body, out);
    });
    expect_abort(done);
    EXPECT_EQ(done.status, 200U) << "that is what the client has seen";
    ASSERT_EQ(log_.size(), 1U);
    EXPECT_THAT(log_[0], StartsWith("error: GET \"/x\" aborted: "));
  }
}

TEST_P(ServeFailureTest, a_page_that_breaks_its_promised_length_is_aborted_once_it_has_begun) {
  for (const char* body : {"short", "much too long"}) {
    line_ = Line(GetParam());
    expect_abort(serve([&](auto*, auto*, auto* out) {
      write(out, "Content-Length: 10\n\n");
      out->flush(out);
      write(out, body);
      return 0;
    }));
  }
}

// The client waits for the response before it sends on: no further byte comes by which it could be reset.
TEST_P(ServeFailureTest, a_page_that_begins_after_a_wait_for_the_body_is_aborted_as_any_other) {
  expect_abort(serve(
      [](auto*, auto* body, auto* out) {
        char buffer[10];
        EXPECT_EQ(body->read(body, buffer, sizeof buffer), 2);
        EXPECT_EQ(out->wait(out, FORKLIFT_WAIT_BODY, nullptr, 0, 5), 0);
        write(out, "A: b\n\nhalf a page");
        EXPECT_EQ(out->flush(out), 0);
        return 1;
      },
      lend(head("POST", 10), "fo")));
}

TEST_P(ServeFailureTest, nor_does_one_begin_after_a_large_piece_before_the_next_byte_has_come) {
  const std::string piece(20'000, 'p');
  const bool is_unix = GetParam() == Kind::kUnix;
  expect_abort(serve(
      [&](auto*, auto* body, auto* out) {
        std::string buffer(piece.size(), '\0');
        EXPECT_EQ(body->read(body, buffer.data(), buffer.size()), static_cast<std::int64_t>(piece.size()));
        EXPECT_EQ(out->wait(out, FORKLIFT_WAIT_BODY, nullptr, 0, 5), 0);
        write(out, "A: b\n\nhalf a page");
        EXPECT_EQ(out->try_flush(out), is_unix ? FORKLIFT_EAGAIN : 0);
        EXPECT_EQ(out->wait(out, FORKLIFT_WAIT_SENT, nullptr, 0, 0), is_unix ? 0 : FORKLIFT_WAIT_SENT);
        EXPECT_EQ(page_.response(), is_unix ? ResponseState::kNone : ResponseState::kStarted);
        line_.send("q");
        EXPECT_EQ(out->wait(out, FORKLIFT_WAIT_SENT, nullptr, 0, -1), FORKLIFT_WAIT_SENT);
        EXPECT_EQ(out->flush(out), 0);
        return 1;
      },
      lend(head("POST", 30'000), piece)));
}

TEST_P(ServeFailureTest, nor_once_the_body_has_broken_off_and_nothing_could_reset_it) {
  if (GetParam() == Kind::kTcp) return;
  app_.timeouts.body = milliseconds(20);
  const ipc::Done done = serve(
      [&](auto*, auto* body, auto* out) {
        EXPECT_EQ(read_all(body), "fo!" + std::to_string(FORKLIFT_ETIMEOUT));
        write(out, "A: b\n\nhalf a page");
        EXPECT_EQ(out->flush(out), FORKLIFT_ETIMEOUT);
        return 0;
      },
      lend(head("POST", 10), "fo"));
  EXPECT_THAT(whole_page(done), StartsWith("Status: 408 Request Timeout\r\n"));
}

// What tells its length needs no reset.
TEST_P(ServeFailureTest, a_page_with_a_length_begins_whatever_has_come) {
  const std::string piece(20'000, 'p');
  const ipc::Done done = serve(
      [&](auto*, auto* body, auto* out) {
        std::string buffer(piece.size(), '\0');
        EXPECT_EQ(body->read(body, buffer.data(), buffer.size()), static_cast<std::int64_t>(piece.size()));
        EXPECT_EQ(out->wait(out, FORKLIFT_WAIT_BODY, nullptr, 0, 5), 0);
        write(out, "Content-Length: 4\n\npage");
        return out->flush(out);
      },
      lend(head("POST", 30'000), piece));
  EXPECT_EQ(whole_page(done), "Status: 200 OK\r\nContent-Length: 4\r\n\r\npage");
}

TEST_P(ServeFailureTest, a_request_whose_body_ends_early_is_a_400_whatever_the_plugin_makes_of_it) {
  Lent lent = lend(head("POST", 10), "foo");
  line_.half_close();
  const ipc::Done done = serve(
      [](auto*, auto* body, auto* out) {
        EXPECT_EQ(read_all(body), "foo!" + std::to_string(FORKLIFT_ESHORT));
        return write(out, "A: b\n\nall is well");
      },
      std::move(lent));
  EXPECT_EQ(done.status, 400U);
  EXPECT_THAT(whole_page(done), StartsWith("Status: 400 Bad Request\r\n"));
  EXPECT_THAT(log_, ElementsAre("warning: POST \"/x\" refused with 400: the body is shorter than its Content-Length"));
}

TEST_P(ServeFailureTest, a_method_of_any_length_takes_little_of_the_log) {
  serve([](auto*, auto*, auto*) { return 7; }, lend(head(std::string(5000, 'M'))));
  EXPECT_THAT(log_, ElementsAre("error: " + std::string(32, 'M') + "... \"/x\" answered 500: produce returned 7"));
}

TEST_P(ServeFailureTest, a_body_that_stands_still_is_a_408) {
  app_.timeouts.body = milliseconds(20);
  const ipc::Done done = serve(
      [](auto*, auto* body, auto*) {
        EXPECT_EQ(read_all(body), "foo!" + std::to_string(FORKLIFT_ETIMEOUT));
        return 1;
      },
      lend(head("POST", 10), "foo"));
  EXPECT_EQ(done.ending, Ending::kLinger) << "the rest may still come";
  EXPECT_THAT(whole_page(done), StartsWith("Status: 408 Request Timeout\r\n"));
  EXPECT_THAT(log_, ElementsAre(StartsWith("warning: POST \"/x\" refused with 408: ")));
}

TEST_P(ServeFailureTest, after_the_first_byte_a_body_that_breaks_off_is_an_abort) {
  app_.timeouts.body = milliseconds(20);
  Lent lent = lend(head("POST", 10), "foo");
  const ipc::Done done = serve(
      [](auto*, auto* body, auto* out) {
        write(out, "A: b\n\nhalf");
        out->flush(out);
        read_all(body);
        return 0;
      },
      std::move(lent));
  EXPECT_EQ(done.ending, Ending::kAbort);
  // On a Unix socket all that had come was read, so that it takes another byte to reset the connection (the master
  // waits for it).
  line_.send("b");
  EXPECT_TRUE(client_sees(done).reset);
}

TEST_P(ServeFailureTest, a_client_that_takes_nothing_is_an_abort) {
  app_.timeouts.write = milliseconds(20);
  const ipc::Done done = serve([](auto*, auto*, auto* out) {
    write(out, "A: b\n\n");
    EXPECT_EQ(write(out, std::string(20'000'000, 'x')), FORKLIFT_ETIMEOUT);
    return 0;
  });
  EXPECT_THAT(log_, ElementsAre(HasSubstr("timeouts.write")));
  EXPECT_EQ(done.client_gone, 0U);
  expect_abort(done);
}

TEST_P(ServeFailureTest, a_client_that_went_away_is_no_error_of_anybody) {
  Lent lent = lend(head());
  line_.reset();
  const ipc::Done done = serve(
      [](auto*, auto*, auto* out) {
        write(out, "A: b\n\nx");
        EXPECT_EQ(out->flush(out), FORKLIFT_EGONE);
        return 1;
      },
      std::move(lent));
  EXPECT_EQ(done.ending, Ending::kAbort);
  EXPECT_EQ(done.client_gone, 1U);
  for (const auto& line : log_) EXPECT_THAT(line, StartsWith("info: ")) << line;
  EXPECT_EQ(log_.size(), 1U);
}

TEST_P(ServeFailureTest, nor_is_what_a_plugin_throws_that_was_told_of_it) {
  for (const bool throws : {false, true}) {
    log_.clear();
    line_ = Line(GetParam());
    Lent lent = lend(head());
    lent.lend.half_close_is_abort = 1;
    line_.half_close();
    const ipc::Done done = serve(
        [&](auto*, auto*, auto* out) {
          EXPECT_EQ(out->wait(out, 0, nullptr, 0, -1), FORKLIFT_WAIT_GONE);
          if (throws) throw std::runtime_error("the client is gone");
          return 1;
        },
        std::move(lent));
    EXPECT_EQ(done.client_gone, 1U);
    EXPECT_THAT(log_, ElementsAre("info: GET \"/x\": the client closed the connection"));
  }
}

TEST_P(ServeFailureTest, one_that_went_away_while_the_page_was_made_is_found_at_its_end) {
  Lent lent = lend(head());
  line_.reset();
  EXPECT_EQ(serve(hello, std::move(lent)).ending, Ending::kAbort);
  for (const auto& line : log_) EXPECT_THAT(line, StartsWith("info: ")) << line;
}

// Closes the connection's descriptor as a plugin may: by a number that is not its own.
void close_connection(int client) {
  sockaddr_storage other{};
  for (int fd = 3; fd < 100; ++fd) {
    socklen_t size = sizeof other;
    int type = 0;
    socklen_t type_size = sizeof type;
    const bool is_stream = ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 && type == SOCK_STREAM;
    if (is_stream && fd != client && ::getpeername(fd, reinterpret_cast<sockaddr*>(&other), &size) == 0) ::close(fd);
  }
}

TEST_P(ServeFailureTest, a_plugin_that_closes_its_connection_ends_its_worker_and_the_master_can_answer) {
  for (const bool flushes : {false, true}) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::alarm(20);
      log::redirect([](log::Level, std::string_view line) {
        if (line.find("the plugin has closed the descriptor of its connection") == line.npos) ::_exit(3);
      });
      serve([&](auto*, auto*, auto* out) {
        write(out, "A: b\n\nbegin");
        if (flushes) out->flush(out);
        close_connection(line_.client());
        return flushes ? write(out, "rest") : 0;
      });
      ::_exit(4);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
    EXPECT_EQ(page_.response(), flushes ? ResponseState::kStarted : ResponseState::kNone);
  }
}

}  // namespace
}  // namespace forklift::worker
