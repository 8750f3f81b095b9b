// The log and the access log are rotated under load, by rename and USR1 or by copying and truncating. No
// line is torn; by rename, none is lost.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <functional>
#include <regex>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

constexpr int kRotations = 100;

// A line of each log for each request, which is refused.
class Rotation : public testing::Test {
 protected:
  // The log is the very file that the harness reads, so that it finds READY there.
  Rotation()
      : server_({{.name = "hello",
                  .plugin = plugin_file("hello"),
                  .more = "access_log: {file: access.log, format: '$uri $status.'}\n"}},
                "log: {file: log}\n") {
    server_.start();
  }

  std::string path(const char* log) const { return server_.folder() / log; }
  std::string rotated(const char* log, int i) const { return fmt::format("{}.{}", path(log), i); }

  // Two clients ask while `rotate` is called; returns how many answers they got.
  int answers_while(const std::function<void()>& rotate) {
    std::atomic<bool> enough = false;
    std::atomic<int> answered = 0;
    std::vector<std::thread> clients;
    for (int client = 0; client < 2; ++client) {
      clients.emplace_back([&, client] {
        for (int i = 0; !enough || i < 100; ++i) {
          const auto request = ScgiRequest::get(fmt::format("/{}-{}", client, i)).set("SCGI", "2");
          EXPECT_TRUE(fetch(server_.listener("hello"), request).complete(400));
          ++answered;
        }
      });
    }
    rotate();
    enough = true;
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(server_.stop(), ExitStatus::exited(0));
    return answered;
  }

  // Adds what `text` has to say of requests; each line is as it should be.
  static void collect(const std::string& text, std::vector<std::string>& requests) {
    static const std::regex access(R"(/\d-\d+ 400\.)");
    static const std::regex other(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info   |warning) .+)");
    static const std::regex refusal(R"-(.* GET "(/\d-\d+)" refused with 400: .+)-");
    EXPECT_TRUE(text.empty() || text.ends_with('\n'));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      std::smatch parts;
      if (std::regex_match(line, access)) {
        requests.push_back(line);
      } else if (std::regex_match(line, parts, refusal)) {
        requests.push_back(parts[1]);
      } else {
        EXPECT_TRUE(std::regex_match(line, other)) << line;
      }
    }
  }

  Server server_;
};

TEST_F(Rotation, ByRenameLosesAndTearsNothing) {
  const auto rename_both = [&] {
    for (int i = 0; i < kRotations && !HasFailure(); ++i) {
      for (const char* log : {"log", "access.log"}) fs::rename(path(log), rotated(log, i));
      server_.signal(SIGUSR1);
      EXPECT_TRUE(eventually([&] { return fs::exists(path("log")) && fs::exists(path("access.log")); }));
    }
  };
  // Standard output and standard error have kept the first file.
  server_.expect_descriptors(path("log"), -2);
  server_.expect_descriptors(rotated("log", 0), 2);
  const int answered = answers_while(rename_both);
  EXPECT_TRUE(server_.wait_for_log("signal 10 (USR1): logs opened again"));
  for (const char* log : {"log", "access.log"}) {
    std::vector<std::string> requests;
    for (int i = 0; i < kRotations; ++i) collect(read_file(rotated(log, i)), requests);
    collect(read_file(path(log)), requests);
    EXPECT_EQ(requests.size(), static_cast<std::size_t>(answered)) << log;
    EXPECT_EQ(std::set(requests.begin(), requests.end()).size(), requests.size()) << log;
  }
}

// What is written between the copy and the cut is lost by nature (logrotate(8) says so). But the file goes on at its
// beginning, with a whole line.
TEST_F(Rotation, ByCopyAndTruncateTearsNothing) {
  const auto truncate_both = [&] {
    for (int i = 0; i < kRotations && !HasFailure(); ++i) {
      for (const char* log : {"log", "access.log"}) {
        fs::copy_file(path(log), rotated(log, i));
        fs::resize_file(path(log), 0);
      }
      for (const char* log : {"log", "access.log"}) {
        EXPECT_TRUE(eventually([&] { return fs::file_size(path(log)) > 0; })) << log;
      }
    }
  };
  EXPECT_GE(answers_while(truncate_both), 200);
  for (const char* log : {"log", "access.log"}) {
    std::vector<std::string> requests;
    for (int i = 0; i < kRotations; ++i) {
      // The copy may have met a line that was being written.
      const std::string text = read_file(rotated(log, i));
      collect(text.substr(0, text.rfind('\n') + 1), requests);
    }
    collect(read_file(path(log)), requests);
    EXPECT_GT(requests.size(), 0u) << log;
    EXPECT_EQ(std::set(requests.begin(), requests.end()).size(), requests.size()) << log;
  }
}

}  // namespace
}  // namespace harness
