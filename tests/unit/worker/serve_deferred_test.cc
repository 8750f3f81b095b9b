// Work that a request leaves for later.
#include <stdexcept>

#include "serving.h"
#include "worker/serve.h"

namespace forklift::worker {
namespace {

using ipc::Ending;
using testing::ElementsAre;
using testing::EndsWith;
using testing::IsEmpty;
using testing::StartsWith;

class ServeDeferredTest : public ServeTest {
 public:  // for the functions of the works
  using ServeTest::page_;

  ipc::Done serve(Work work, Lent lent) {
    work_ = std::move(work);
    const ipc::Done done = server_.serve(std::move(lent));
    EXPECT_EQ(done.serial, 42U);
    return done;
  }
  ipc::Done serve(Work work) { return serve(std::move(work), lend(head())); }

  void run() {
    const ipc::Free free = server_.run_deferred();
    EXPECT_EQ(free.type, ipc::MessageType::kFree);
    EXPECT_EQ(free.serial, 42U);
    memory_bytes_ = free.memory_bytes;
  }

  int put_off(void (*function)(void*)) {
    return deferred_.table()->after_response(deferred_.table(), function, static_cast<ServeDeferredTest*>(this));
  }
  static ServeDeferredTest& of(void* data) { return *static_cast<ServeDeferredTest*>(data); }

  plugin::DeferredWork deferred_;
  Server server_{app_, plugin_, static_cast<ServeTest*>(this), page_, &deferred_};
  TimePoint last_;
  std::vector<std::string> done_;
  std::uint64_t memory_bytes_ = 0;
};

INSTANTIATE_TEST_SUITE_P(over, ServeDeferredTest, testing::Values(Kind::kUnix, Kind::kTcp), kind_name);

TEST_P(ServeDeferredTest, is_announced_and_runs_when_the_client_has_all) {
  const ipc::Done done = serve([this](auto* env, auto* body, auto* out) {
    put_off([](void* data) { of(data).done_.emplace_back("first"); });
    put_off([](void* data) { of(data).done_.emplace_back("second"); });
    return hello(env, body, out);
  });
  EXPECT_EQ(done.defers, 1U);
  EXPECT_EQ(done.ending, Ending::kComplete);
  EXPECT_THAT(done_, IsEmpty());
  EXPECT_THAT(line_.read_all().bytes, EndsWith("Hello")) << "the end is there, whatever the master does";
  run();
  EXPECT_THAT(done_, ElementsAre("first", "second"));
  EXPECT_TRUE(deferred_.is_empty());
  EXPECT_THAT(log_, IsEmpty());
}

TEST_P(ServeDeferredTest, a_request_without_has_none) {
  EXPECT_EQ(serve(hello).defers, 0U);
}

TEST_P(ServeDeferredTest, is_kept_where_produce_fails) {
  const ipc::Done done = serve([this](auto*, auto*, auto*) {
    put_off([](void* data) { of(data).done_.emplace_back("done"); });
    return 1;
  });
  EXPECT_EQ(done.status, 500U);
  EXPECT_EQ(done.defers, 1U);
  run();
  EXPECT_THAT(done_, ElementsAre("done"));
}

TEST_P(ServeDeferredTest, is_kept_where_produce_throws_and_refused_behind_it) {
  const ipc::Done done = serve([this](auto*, auto*, auto*) -> int {
    put_off([](void* data) { EXPECT_EQ(of(data).put_off([](void*) {}), FORKLIFT_EINVAL); });
    throw std::runtime_error("no");
  });
  EXPECT_EQ(done.defers, 1U);
  EXPECT_EQ(put_off([](void*) {}), FORKLIFT_EINVAL);
  run();
}

TEST_P(ServeDeferredTest, a_refused_head_has_none_of_the_request_before) {
  serve([this](auto* env, auto* body, auto* out) {
    put_off([](void*) {});
    return hello(env, body, out);
  });
  run();
  line_ = Line(GetParam());
  EXPECT_EQ(serve(hello, lend("3:bad,")).defers, 0U);
}

TEST_P(ServeDeferredTest, what_it_throws_is_logged_with_its_request_and_the_next_one_runs) {
  serve([this](auto* env, auto* body, auto* out) {
    put_off([](void*) { throw std::runtime_error("two\nlines"); });
    put_off([](void*) { throw 7; });
    put_off([](void* data) { of(data).done_.emplace_back("done"); });
    return hello(env, body, out);
  });
  run();
  EXPECT_THAT(log_, ElementsAre("error: GET \"/x\": an exception left deferred work: two\\nlines",
                                "error: GET \"/x\": an exception that is no std::exception left deferred work"));
  EXPECT_THAT(done_, ElementsAre("done"));
}

TEST_P(ServeDeferredTest, each_work_is_progress) {
  serve([this](auto* env, auto* body, auto* out) {
    for (int i = 0; i < 2; ++i) {
      put_off([](void* data) {
        ServeDeferredTest& self = of(data);
        EXPECT_GT(self.page_.progress(), self.last_);
        EXPECT_EQ(self.page_.activity(), ipc::Activity::kPlugin);
        self.last_ = self.page_.progress();
        while (Clock::now() <= self.last_) continue;  // so that the next one is later
      });
    }
    return hello(env, body, out);
  });
  last_ = page_.progress();
  run();
}

TEST_P(ServeDeferredTest, its_memory_is_looked_at_behind_it) {
  app_.workers.max_memory = 1;
  serve([this](auto* env, auto* body, auto* out) {
    put_off([](void*) {});
    return hello(env, body, out);
  });
  run();
  EXPECT_GT(memory_bytes_, 1U << 20);
}

TEST_P(ServeDeferredTest, handle_connection_may_put_off_too) {
  plugin_.handle_connection = [](void* instance, int fd, const void*, std::size_t) {
    auto& self = static_cast<ServeDeferredTest&>(*static_cast<ServeTest*>(instance));
    self.put_off([](void* data) { of(data).done_.emplace_back("done"); });
    return ::send(fd, "raw", 3, MSG_NOSIGNAL) == 3 ? 0 : 1;
  };
  const ipc::Done done = serve(hello);
  EXPECT_EQ(done.defers, 1U);
  EXPECT_THAT(whole_page(done), StartsWith("raw"));
  run();
  EXPECT_THAT(done_, ElementsAre("done"));
}

}  // namespace
}  // namespace forklift::worker
