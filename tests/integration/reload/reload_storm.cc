#include "reload/reload_storm.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kAskers = 16;
constexpr std::size_t kBigPage = 1024 * 1024;
constexpr std::string_view kReloaded = " 0 failed";

// What everybody who asks now has to get; nullopt while a reload may be under way.
class Current {
 public:
  struct Look {
    std::uint64_t epoch = 0;
    std::optional<std::string> version;
  };
  Look look() const {
    const std::lock_guard lock(mutex_);
    return look_;
  }
  void set(std::optional<std::string> version) {
    const std::lock_guard lock(mutex_);
    look_ = {look_.epoch + 1, std::move(version)};
  }

 private:
  mutable std::mutex mutex_;
  Look look_;
};

bool is_whole_page_of(std::string_view page, std::string_view version) {
  if (page.size() != kBigPage) return page == version;
  for (std::size_t i = 0; i < page.size(); ++i) {
    if (page[i] != version[i % version.size()]) return false;
  }
  return true;
}

class ReloadStorm {
 public:
  ReloadStorm() {
    put("version_one");
    // Its image is a plugin that nobody touches: what changes is where it is reached.
    fs::copy_file(fixture_file("version_one"), folder_ / "steady.so");
    server_.emplace(apps(0));
    server_->expect_error("app \"app\": generation * failed at *; generation * stays");
    server_->expect_error("reload: *server.yaml:1:7: apps: must be a list*");
    server_->expect_error("reload: nothing has changed");
    server_->start();
    current_.set("one");
  }

  void weather(int count) {
    std::vector<std::thread> clients;
    for (std::size_t i = 0; i < kAskers; ++i) clients.emplace_back([this, i] { ask_until_over(i); });
    for (int i = 1; i <= count && !testing::Test::HasFailure(); ++i) turn(i);
    over_ = true;
    for (std::thread& client : clients) client.join();
    EXPECT_GT(answers_, count) << "there was no load";
    EXPECT_LT(slowest_.load().count(), kPatience.count()) << "ms for a small page, which no reload is to hold up";
    server_->configure(apps(0));
    put("version_one");
    EXPECT_THAT(server_->reload(), testing::EndsWith(kReloaded));
    fmt::print("{} answers, the slowest of small pages within {} ms; {} reloads\n", answers_.load(),
               slowest_.load().count(), server_->reloads().size());
  }

 private:
  // Two apps exchange their sockets with each turn, and a guest comes and goes.
  std::vector<App> apps(int turn) const {
    const std::string steady = folder_ / "steady.so";
    const bool crossed = turn % 2 == 1;
    std::vector<App> result = {
        {.name = "app",
         .plugin = plugin(),
         .listen = {"127.0.0.1:0", "unix:app.sock"},
         .more = "workers: {min: 2, max: 4}\n"},
        {.name = "left", .plugin = steady, .listen = {crossed ? "unix:b.sock" : "unix:a.sock"}},
        {.name = "right", .plugin = steady, .listen = {crossed ? "unix:a.sock" : "unix:b.sock"}},
    };
    if (turn % 4 == 1) result.push_back({.name = "guest", .plugin = steady, .listen = {"unix:guest.sock"}});
    return result;
  }

  std::string plugin() const { return folder_ / "plugin.so"; }
  void put(const std::string& fixture) const {
    fs::copy_file(fixture_file(fixture), folder_ / "new.so", fs::copy_options::overwrite_existing);
    fs::rename(folder_ / "new.so", plugin());
  }
  void put_text(std::string_view text) const {
    write_file(folder_ / "new.so", std::string(text));
    fs::rename(folder_ / "new.so", plugin());
  }

  void turn(int i) {
    if (i % 3 == 0) {
      server_->spoil_config("apps: 17\n");
      EXPECT_EQ(server_->reload(), "nothing has changed") << i;
    }
    server_->configure(apps(i));
    const std::string before = current_.look().version.value();
    const std::string other = before == "one" ? "two" : "one";
    current_.set(std::nullopt);
    std::optional<std::string> expected = other;  // nullopt: the reload fails, and what was before stays
    std::thread writer;
    switch (i % 6) {
      case 0: put("version_" + other); break;
      case 1: fs::copy_file(fixture_file("version_" + other), plugin(), fs::copy_options::overwrite_existing); break;
      case 2:
        put_text(read_file(fixture_file("version_" + other)).substr(0, 8000));
        expected = std::nullopt;
        break;
      case 3:
        put_text("no plugin\n");
        expected = std::nullopt;
        break;
      case 4:
        fs::remove(plugin());
        expected = std::nullopt;
        break;
      default:
        // Either of the two, but whole.
        put("version_" + before);
        writer = std::thread(
            [&] { fs::copy_file(fixture_file("version_" + other), plugin(), fs::copy_options::overwrite_existing); });
    }
    const std::string end = server_->reload();
    if (writer.joinable()) writer.join();
    EXPECT_EQ(end.ends_with(kReloaded), expected.has_value()) << i << ": " << end;
    const Response now = fetch(server_->listener("app"), ScgiRequest::get("/"));
    EXPECT_TRUE(now.complete(200)) << now;
    if (i % 6 != 5) {
      EXPECT_EQ(now.body, expected.value_or(before)) << i;
    }
    current_.set(now.body);
    // It is known where everybody is.
    const std::string left = server_->folder() / (i % 2 == 1 ? "b.sock" : "a.sock");
    EXPECT_THAT(fetch(Endpoint::parse("unix:" + left), ScgiRequest::get("/app")).body, testing::StartsWith("left "))
        << i;
  }

  void ask_until_over(std::size_t client) {
    for (unsigned i = 0; !over_ && !testing::Test::HasFailure(); ++i) {
      client % 8 == 7 ? ask_exchanged(i) : ask_app(client + i);
      ++answers_;
    }
  }

  void ask_app(std::size_t i) {
    const Current::Look before = current_.look();
    const std::string uri = i / 2 % 4 == 0 ? "/big" : "/";
    const bool is_big = uri == "/big";
    const Response response = is_big ? fetch(server_->listener("app", i % 2), ScgiRequest::get(uri), kLoadPatience)
                                     : fetch_small(server_->listener("app", i % 2), uri);
    const Current::Look after = current_.look();
    EXPECT_TRUE(response.complete(200)) << response.outcome << " " << response.status;
    const bool one = is_whole_page_of(response.body, "one");
    EXPECT_TRUE(one || is_whole_page_of(response.body, "two")) << "a page that is not of one version";
    if (before.epoch == after.epoch && before.version) {
      EXPECT_EQ(one ? "one" : "two", *before.version) << "of another version than the last reload has brought";
    }
  }

  void ask_exchanged(unsigned i) {
    const std::string path = server_->folder() / (i % 2 == 0 ? "a.sock" : "b.sock");
    const Response response = fetch_small(Endpoint::parse("unix:" + path), "/app");
    EXPECT_TRUE(response.complete(200)) << response;
    EXPECT_THAT(response.body, testing::AnyOf(testing::StartsWith("left "), testing::StartsWith("right ")));
  }

  Response fetch_small(const Endpoint& endpoint, const std::string& uri) {
    const auto begin = std::chrono::steady_clock::now();
    Response response = fetch(endpoint, ScgiRequest::get(uri), kLoadPatience);
    const auto took = std::chrono::ceil<milliseconds>(std::chrono::steady_clock::now() - begin);
    auto slowest = slowest_.load();
    while (took > slowest && !slowest_.compare_exchange_weak(slowest, took)) continue;
    return response;
  }

  static constexpr milliseconds kLoadPatience = 4 * kPatience;

  const TempDir folder_;
  std::optional<Server> server_;
  Current current_;
  std::atomic<bool> over_ = false;
  std::atomic<int> answers_ = 0;
  std::atomic<milliseconds> slowest_ = milliseconds(0);  // of the small pages
};

}  // namespace

void weather_reloads(int count) {
  ReloadStorm().weather(count);
}

}  // namespace harness
