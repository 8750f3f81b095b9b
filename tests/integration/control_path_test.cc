// A --control that leads nowhere is told, and ends no command otherwise than by its exit status.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/command.h"

namespace harness {
namespace {

class ControlPath : public testing::TestWithParam<std::vector<std::string>> {
 protected:
  static std::string name() { return GetParam().front(); }
  static std::vector<std::string> words(const std::string& path) {
    std::vector<std::string> words = GetParam();
    words.insert(words.end(), {"--control", path});
    return words;
  }
};

INSTANTIATE_TEST_SUITE_P(Of, ControlPath,
                         testing::Values(std::vector<std::string>{"status"}, std::vector<std::string>{"stop"},
                                         std::vector<std::string>{"reload"},
                                         std::vector<std::string>{"restart", "--app", "hello"}),
                         [](const auto& test) { return test.param.front(); });

TEST_P(ControlPath, ThatIsEmptyIsWrongUsage) {
  Command command(words(""));
  EXPECT_EQ(command.wait(), kWrongUse);
  EXPECT_EQ(command.output(),
            fmt::format("forklift: {}: --control needs the path of a socket; try forklift --help\n", name()));
}

TEST_P(ControlPath, InAFolderThatIsGoneLeadsToNoServer) {
  const TempDir gone;
  Command command(words("run/control"), {"/bin/sh", "-c", R"(cd "$0" && rmdir "$0" && exec "$@")", gone.path()});
  EXPECT_EQ(command.wait(), kFailed);
  EXPECT_EQ(command.output(), fmt::format("forklift: {}: run/control: no server runs there\n", name()));
}

}  // namespace
}  // namespace harness
