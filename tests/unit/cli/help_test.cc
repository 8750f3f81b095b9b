// What `forklift` says of itself, on the screen and in its manual page, against the table of commands.
#include "cli/help.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

namespace forklift::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* kManual = SOURCE_DIR "/server/man/forklift.8";

std::string manual() {
  std::ifstream file(kManual);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Help, names_every_command_and_option) {
  for (const Command& command : all_commands()) {
    EXPECT_THAT(usage(), HasSubstr(fmt::format("\n  {:<21} {}\n", command.name, command.summary)));
    for (const Option& option : command.options) {
      EXPECT_THAT(usage(), HasSubstr(written(option)));
      EXPECT_THAT(usage_of(command), HasSubstr(fmt::format("  {:<21} {}\n", written(option), option.meaning)));
    }
  }
  EXPECT_THAT(usage(), HasSubstr("\n  -h, --help            print "));
  EXPECT_THAT(usage(), HasSubstr("\n  -V, --version         print "));
}

TEST(Help, says_which_words_can_be_left_out_and_which_exclude_each_other) {
  const auto begins = [](const char* command, const char* line) {
    EXPECT_THAT(usage_of(*find_command(command)), StartsWith(fmt::format("usage: forklift {}\n\n", line)));
  };
  begins("serve", "serve FILE [--strict]");
  begins("reload", "reload (FILE | --control PATH) [--app NAME]");
  begins("restart", "restart (FILE | --control PATH) --app NAME");
  begins("stop", "stop (FILE | --control PATH)");
  begins("status", "status (FILE | --control PATH) [--json]");
  begins("new", "new NAME [--c | --c++ | --rust] [--directory FOLDER]");
}

TEST(Help, of_a_command_begins_with_how_it_is_used_and_ends_with_its_exit_status) {
  EXPECT_THAT(usage_of(*find_command("check")), StartsWith("usage: forklift check FILE [--print]\n\ncheck says "));
  EXPECT_THAT(usage_of(*find_command("check")), HasSubstr("Exit status: 0 if all is fine; 2 if there are findings.\n"));
  EXPECT_EQ(usage_of(*find_command("help")), usage());
}

TEST(Help, fits_a_terminal) {
  for (const Command& command : all_commands()) {
    std::istringstream lines(usage() + usage_of(command));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 110U) << line;
  }
}

TEST(Versions, name_server_api_build_and_libraries) {
  EXPECT_THAT(versions("1.2.3"),
              testing::MatchesRegex("forklift 1.2.3\n"
                                    "plugin API: [0-9]+\\.[0-9]+\n"
                                    "build: [A-Za-z]+, [A-Za-z]+ [0-9.]+\n"
                                    "libraries: Poco [0-9.]+, yaml-cpp [0-9.]+, fmt [0-9.]+, glibc [0-9.]+\n"));
}

TEST(Manual, has_a_heading_for_every_command_and_option) {
  for (const Command& command : all_commands()) {
    const std::string operand = command.operand.empty() ? "" : fmt::format(" \\fI{}\\fR", command.operand);
    EXPECT_THAT(manual(), HasSubstr(fmt::format(".SS \"{}{}\"\n", command.name, operand)));
    for (const Option& option : command.options) {
      if (option.letter) {
        EXPECT_THAT(manual(), HasSubstr(fmt::format("\\-{}", option.letter)));
      }
      EXPECT_THAT(manual(),
                  HasSubstr(option.value.empty() ? fmt::format(".B \\-\\-{}\n", option.name)
                                                 : fmt::format(".BI \\-\\-{} \" {}\"\n", option.name, option.value)));
    }
  }
  for (const Option& option : common_options()) EXPECT_THAT(manual(), HasSubstr(fmt::format("\\-\\-{}", option.name)));
}

// Prepared by what man(1) uses; a program that is missing fails the test, as it would say nothing.
TEST(Manual, is_good_roff) {
  std::FILE* pipe = ::popen(fmt::format("groff -man -Tutf8 -ww -z {} 2>&1", kManual).c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string said;
  char buffer[512];
  while (std::fgets(buffer, sizeof buffer, pipe)) said += buffer;
  EXPECT_EQ(::pclose(pipe), 0);
  EXPECT_THAT(said, IsEmpty());
}

}  // namespace
}  // namespace forklift::cli
