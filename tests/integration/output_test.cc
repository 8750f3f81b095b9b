// What a plugin prints stands in the log: line by line, with the worker that printed it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <vector>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;

class Output : public testing::Test {
 protected:
  Output()
      : server_(
            {App{.name = "app", .plugin = fixture_file("misbehaves_as_told"), .more = "workers: {min: 1, max: 1}\n"}}) {
    server_.start();
    worker_ = children_of(server_.pid()).at(0).pid;
  }

  Response ask(const std::string& what) {
    return fetch(server_.listener("app"), ScgiRequest::get("/" + what).add("HTTP_X_DO", what));
  }
  // `info    app "app" generation 1 worker 123 stdout: `
  std::string printed(std::string_view level, std::string_view stream) const {
    return fmt::format("{:<7} app \"app\" generation 1 worker {} {}: ", level, worker_, stream);
  }
  // The texts behind `beginning`, in their order.
  std::vector<std::string> texts(const std::string& beginning) const {
    std::vector<std::string> found;
    std::istringstream lines(server_.log());
    for (std::string line; std::getline(lines, line);) {
      if (const auto at = line.find(beginning); at != line.npos) found.push_back(line.substr(at + beginning.size()));
    }
    return found;
  }

  Server server_;
  pid_t worker_ = 0;
};

TEST_F(Output, StandardOutputIsInfoAndStandardErrorAWarning) {
  EXPECT_TRUE(ask("print").complete(200));
  EXPECT_TRUE(server_.wait_for_log(printed("info", "stdout") + "to output\n"));
  EXPECT_TRUE(server_.wait_for_log(printed("warning", "stderr") + "to error\n"));
}

TEST_F(Output, WhatATerminalWouldObeyIsEscaped) {
  EXPECT_TRUE(ask("print_raw").complete(200));
  EXPECT_TRUE(server_.wait_for_log(printed("info", "stdout") + R"(a\x00b\x1b[31m\r)" + " caf\xc3\xa9 \\xff\n"));
}

TEST_F(Output, ALineOfAMegabyteComesInPiecesAndNothingIsLost) {
  EXPECT_TRUE(ask("print_long").complete(200));
  const std::string beginning = printed("warning", "stderr");
  const auto all_there = [&] {
    const auto pieces = texts(beginning);
    return !pieces.empty() && pieces.back().ends_with('x');
  };
  ASSERT_TRUE(eventually(all_there));
  std::size_t bytes = 0;
  for (std::string piece : texts(beginning)) {
    if (piece.starts_with("... ")) piece.erase(0, 4);
    if (piece.ends_with(" ...")) piece.resize(piece.size() - 4);
    EXPECT_EQ(piece.find_first_not_of('x'), piece.npos);
    bytes += piece.size();
  }
  EXPECT_EQ(bytes, 1'000'000U);
}

TEST_F(Output, TwoWritersTearNoLine) {
  EXPECT_TRUE(ask("print_both").complete(200));
  const std::string beginning = printed("info", "stdout");
  ASSERT_TRUE(eventually([&] { return texts(beginning).size() >= 1000; }));
  int next[2] = {0, 0};
  for (const std::string& text : texts(beginning)) {
    const bool is_child = text.starts_with("child");
    EXPECT_EQ(text, fmt::format("{} {:03} {:0200}.", is_child ? "child" : "parent", next[is_child]++, 0));
  }
  EXPECT_EQ(next[0], 500);
  EXPECT_EQ(next[1], 500);
}

TEST_F(Output, WhatADyingWorkerHasSaidIsKept) {
  server_.expect_error("died of signal 9");
  EXPECT_TRUE(ask("print_die").complete(502));
  EXPECT_TRUE(server_.wait_for_log(printed("info", "stdout") + "half a line of output\n"));
  EXPECT_TRUE(server_.wait_for_log(printed("warning", "stderr") + "half a line of error\n"));
}

}  // namespace
}  // namespace harness
