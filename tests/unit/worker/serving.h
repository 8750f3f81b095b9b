// Serves requests with plugins that are functions of the test, and shows what the client sees of it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "../protocol/scgi_text.h"
#include "base/log.h"
#include "line.h"
#include "worker/serve.h"

namespace forklift::worker {

// What a test's plugin does with a request.
using Work = std::function<int(const forklift_env*, forklift_body*, forklift_out*)>;

inline int write(forklift_out* out, std::string_view text) {
  return out->write(out, text.data(), text.size());
}
inline int hello(const forklift_env*, forklift_body*, forklift_out* out) {
  return write(out, "Content-Type: text/plain\n\nHello");
}

inline std::string read_all(forklift_body* body) {
  std::string all;
  char buffer[100];
  std::int64_t n = 0;
  while ((n = body->read(body, buffer, sizeof buffer)) > 0) all.append(buffer, static_cast<std::size_t>(n));
  return n == 0 ? all : all + "!" + std::to_string(n);
}

class ServeTest : public ::testing::TestWithParam<Kind> {
 protected:
  ServeTest() {
    log::redirect([this](log::Level level, std::string_view line) {
      log_.push_back(std::string(log::to_string(level)) + ": " + std::string(line));
    });
    app_.timeouts.body = app_.timeouts.write = seconds(60);
    plugin_.version = FORKLIFT_VERSION_OF(forklift_plugin);
    plugin_.produce = [](void* instance, const forklift_env* env, forklift_body* body, forklift_out* out) {
      auto& self = *static_cast<ServeTest*>(instance);
      ++self.calls_;
      return self.work_(env, body, out);
    };
  }
  ~ServeTest() override { log::redirect(nullptr); }
  void SetUp() override {
    auto page = ipc::SharedPage::create();
    ASSERT_TRUE(page);
    page_ = std::move(*page);
  }

  static std::string head(const std::string& method = "GET", std::size_t length = 0) {
    return protocol::head_of(
        {{"CONTENT_LENGTH", std::to_string(length)}, {"SCGI", "1"}, {"REQUEST_METHOD", method}, {"REQUEST_URI", "/x"}});
  }

  // Lends a request whose head and first bytes of the body have come, as the master does.
  Lent lend(const std::string& head, const std::string& along = "") {
    bytes_ = head + along;
    line_.send(bytes_);
    const std::size_t unread = GetParam() == Kind::kUnix ? bytes_.size() : 0;
    line_.take(bytes_.size() - unread);
    Lent lent{.connection = line_.lend(),
              .lend = {.bytes = static_cast<std::uint32_t>(bytes_.size()),
                       .head_bytes = static_cast<std::uint32_t>(head.size()),
                       .unread = static_cast<std::uint32_t>(unread),
                       .serial = 42},
              .bytes = bytes_};
    page_.take(42);
    return lent;
  }

  ipc::Done serve(Work work, Lent lent) {
    work_ = std::move(work);
    Server server(app_, plugin_, this, page_);
    const ipc::Done done = server.serve(std::move(lent));
    EXPECT_EQ(done.serial, 42U);
    return done;
  }
  ipc::Done serve(Work work) { return serve(std::move(work), lend(head())); }

  // Ends the connection in the master as the worker's report asks for, and returns what the client sees.
  Page client_sees(const ipc::Done& done) {
    if (done.ending == ipc::Ending::kAbort && GetParam() == Kind::kTcp) {
      const sockaddr unspecified{.sa_family = AF_UNSPEC, .sa_data = {}};
      EXPECT_EQ(::connect(line_.server(), &unspecified, sizeof unspecified), 0);
    }
    EXPECT_TRUE(done.ending != ipc::Ending::kComplete || line_.unread() == 0) << "a close would reset the connection";
    if (done.ending == ipc::Ending::kLinger) line_.take(static_cast<std::size_t>(line_.unread()));
    line_.close_server();
    return line_.read_all();
  }

  // A page that came whole and in peace.
  std::string whole_page(const ipc::Done& done) {
    EXPECT_NE(done.ending, ipc::Ending::kAbort);
    EXPECT_EQ(page_.response(), ipc::ResponseState::kComplete);
    const Page page = client_sees(done);
    EXPECT_FALSE(page.reset);
    return page.bytes;
  }
  // Nothing that a client could take for a whole page.
  void expect_abort(const ipc::Done& done) {
    EXPECT_EQ(done.ending, ipc::Ending::kAbort);
    EXPECT_EQ(page_.response(), ipc::ResponseState::kStarted);
    EXPECT_TRUE(client_sees(done).reset);
  }

  config::App app_;
  forklift_plugin plugin_{};
  Work work_;
  int calls_ = 0;
  ipc::SharedPage page_;
  Line line_{GetParam()};
  std::string bytes_;
  std::vector<std::string> log_;
};
}  // namespace forklift::worker
