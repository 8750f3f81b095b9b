// Requests that the plugin answers on the connection itself.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>

#include "serving.h"
#include "worker/serve.h"

namespace forklift::worker {
namespace {

using ipc::Ending;
using ipc::ResponseState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

using RawWork = std::function<int(int fd, std::string_view head)>;

class ServeRawTest : public ServeTest {
 protected:
  ServeRawTest() {
    plugin_.produce = nullptr;
    plugin_.handle_connection = [](void* instance, int fd, const void* head, std::size_t size) {
      auto& self = static_cast<ServeRawTest&>(*static_cast<ServeTest*>(instance));
      ++self.calls_;
      return self.raw_work_(fd, {static_cast<const char*>(head), size});
    };
  }

  ipc::Done serve_raw(RawWork work, Lent lent) {
    raw_work_ = std::move(work);
    Server server(app_, plugin_, static_cast<ServeTest*>(this), page_);
    return server.serve(std::move(lent));
  }
  ipc::Done serve_raw(RawWork work) { return serve_raw(std::move(work), lend(head())); }

  static int say(int fd, std::string_view text) {
    return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()) ? 0 : 1;
  }

  RawWork raw_work_;
};

INSTANTIATE_TEST_SUITE_P(over, ServeRawTest, testing::Values(Kind::kUnix, Kind::kTcp), kind_name);

TEST_P(ServeRawTest, what_the_plugin_sends_is_the_response_and_its_return_the_end) {
  const ipc::Done done = serve_raw([this](int fd, std::string_view given) {
    ipc::WordsCopy copy;
    const ipc::RequestWords words = page_.request(copy);
    EXPECT_EQ(std::string(words.method) + std::string(words.uri), "GET/x");
    EXPECT_EQ(page_.response(), ResponseState::kStarted) << "nobody knows what it sends when";
    EXPECT_EQ(given, head());
    return say(fd, "by hand");
  });
  EXPECT_EQ(done.serial, 42U);
  EXPECT_EQ(done.status, 0U);
  EXPECT_EQ(page_.sent(), 0U);
  EXPECT_EQ(done.client_gone, 0U);
  EXPECT_EQ(whole_page(done), "by hand");
  EXPECT_THAT(log_, IsEmpty());
}

TEST_P(ServeRawTest, each_byte_of_a_body_comes_once) {
  const ipc::Done done = serve_raw(
      [](int fd, std::string_view given) {
        std::string request(given);
        char byte = 0;
        while (request.size() < head("POST", 6).size() + 6 && ::recv(fd, &byte, 1, 0) == 1) request += byte;
        EXPECT_EQ(request, head("POST", 6) + "foobar");
        return say(fd, "thanks");
      },
      lend(head("POST", 6), "foobar"));
  EXPECT_EQ(whole_page(done), "thanks");
}

TEST_P(ServeRawTest, a_failure_is_an_abort_even_before_the_first_byte) {
  const std::vector<std::pair<RawWork, std::string>> cases = {
      {[](int, auto) { return 7; }, "error: GET \"/x\" aborted: handle_connection returned 7"},
      {[](int fd, auto) { return say(fd, "half"), -1; }, "error: GET \"/x\" aborted: handle_connection returned -1"},
      {[](int, auto) -> int { throw std::runtime_error("late\n"); },
       "error: GET \"/x\" aborted: an exception left handle_connection: late\\n"},
      {[](int, auto) -> int { throw 5; },
       "error: GET \"/x\" aborted: an exception that is no std::exception left handle_connection"},
  };
  for (const auto& [work, line] : cases) {
    log_.clear();
    line_ = Line(GetParam());
    expect_abort(serve_raw(work));
    EXPECT_THAT(log_, ElementsAre(line));
  }
}

TEST_P(ServeRawTest, so_is_one_that_has_read_all_but_the_last_byte_of_its_body) {
  expect_abort(serve_raw(
      [](int fd, std::string_view given) {
        std::string rest(head("POST", 6).size() + 6 - given.size(), '\0');
        if (rest.size() > 1) {
          EXPECT_GT(::recv(fd, rest.data(), rest.size() - 1, MSG_WAITALL), 0);
        }
        return say(fd, "half") + 1;
      },
      lend(head("POST", 6), "foobar")));
}

TEST_P(ServeRawTest, a_client_that_went_away_is_no_error_of_anybody) {
  Lent lent = lend(head());
  line_.reset();
  const ipc::Done done = serve_raw([](int fd, auto) { return say(fd, "x") + 1; }, std::move(lent));
  EXPECT_EQ(done.ending, Ending::kAbort);
  EXPECT_EQ(done.client_gone, 1U);
  EXPECT_THAT(log_, ElementsAre("info: GET \"/x\": the client closed the connection"));
}

TEST_P(ServeRawTest, a_bad_head_and_a_body_over_the_limit_are_refused_without_the_plugin) {
  app_.limits.body = 1000;
  const ipc::Done large = serve_raw([](int, auto) { return 0; }, lend(head("PUT", 1001), "the beginning"));
  EXPECT_EQ(large.status, 413U);
  EXPECT_THAT(whole_page(large), StartsWith("Status: 413 "));
  line_ = Line(GetParam());
  const ipc::Done bad = serve_raw([](int, auto) { return 0; }, lend("3:bad,"));
  EXPECT_EQ(bad.status, 400U);
  EXPECT_THAT(whole_page(bad), StartsWith("Status: 400 "));
  EXPECT_EQ(calls_, 0);
}

TEST_P(ServeRawTest, it_is_called_instead_of_produce) {
  plugin_.produce = [](void*, const forklift_env*, forklift_body*, forklift_out*) { return 1; };
  EXPECT_EQ(whole_page(serve_raw([](int fd, auto) { return say(fd, "by hand"); })), "by hand");
}

TEST_P(ServeRawTest, a_descriptor_that_ends_in_front_of_it_has_none) {
  plugin_.version.size = offsetof(forklift_plugin, handle_connection);
  plugin_.produce = [](void*, const forklift_env* env, forklift_body* body, forklift_out* out) {
    return hello(env, body, out);
  };
  EXPECT_THAT(whole_page(serve_raw([](int, auto) { return 1; })), HasSubstr("Hello"));
  EXPECT_EQ(calls_, 0);
}

// The other one would otherwise be shut down, and the client wait.
TEST_P(ServeRawTest, a_plugin_that_closes_or_replaces_the_descriptor_ends_its_worker_and_the_client_gets_an_abort) {
  for (const bool replaces : {false, true}) {
    for (const int result : {0, 1}) {
      const pid_t pid = ::fork();
      if (pid == 0) {
        ::alarm(20);
        log::redirect([](log::Level, std::string_view line) {
          if (line.find("the plugin has closed the descriptor of its connection") == line.npos) ::_exit(3);
        });
        serve_raw([&](int fd, auto) {
          int ends[2];
          if (replaces && (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || ::dup2(ends[0], fd) != fd)) ::_exit(5);
          return replaces || ::close(fd) == 0 ? result : 6;
        });
        ::_exit(4);
      }
      int status = 0;
      ASSERT_EQ(::waitpid(pid, &status, 0), pid);
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
      EXPECT_EQ(page_.response(), ResponseState::kStarted) << "the master aborts";
    }
  }
}

}  // namespace
}  // namespace forklift::worker
