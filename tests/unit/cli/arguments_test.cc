#include "cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace forklift::cli {
namespace {

using testing::HasSubstr;

Result<Arguments> parsed(std::vector<const char*> words) {
  words.insert(words.begin(), "forklift");
  return parse(static_cast<int>(words.size()), words.data());
}

std::string error(std::vector<const char*> words) {
  const auto arguments = parsed(std::move(words));
  return arguments ? "accepted" : arguments.error().message();
}

TEST(Arguments, name_a_command_its_operand_and_its_options_in_any_order) {
  for (const auto& words : {std::vector{"serve", "app.yaml", "--strict"},
                            {"serve", "--strict", "app.yaml"},
                            {"--strict", "serve", "app.yaml"}}) {
    const auto arguments = parsed(words);
    ASSERT_TRUE(arguments) << arguments.error().message();
    EXPECT_EQ(arguments->command, find_command("serve"));
    EXPECT_EQ(arguments->operand(), "app.yaml");
    EXPECT_TRUE(arguments->has("strict"));
  }
  EXPECT_FALSE(parsed({"check", "app.yaml"})->has("print"));
  EXPECT_TRUE(parsed({"check", "app.yaml", "--print"})->has("print"));
}

TEST(Arguments, ask_for_help_with_a_command_or_without) {
  for (const auto& words : {std::vector{"--help"}, {"-h"}, {"help"}}) {
    const auto arguments = parsed(words);
    ASSERT_TRUE(arguments) << arguments.error().message();
    EXPECT_TRUE(arguments->help);
    EXPECT_EQ(arguments->command, nullptr);
  }
  for (const auto& words : {std::vector{"help", "check"}, {"check", "--help"}, {"check", "a.yaml", "-h"}}) {
    const auto arguments = parsed(words);
    ASSERT_TRUE(arguments) << arguments.error().message();
    EXPECT_TRUE(arguments->help);
    EXPECT_EQ(arguments->command, find_command("check"));
  }
  EXPECT_TRUE(parsed({"--version"})->version);
  EXPECT_TRUE(parsed({"-V"})->version);
}

TEST(Arguments, that_are_wrong_are_told_with_what_was_probably_meant) {
  EXPECT_EQ(error({}), "no command");
  EXPECT_EQ(error({"chek", "a.yaml"}), "unknown command \"chek\"; did you mean \"check\"?");
  EXPECT_EQ(error({"sreve", "a.yaml"}), "unknown command \"sreve\"; did you mean \"serve\"?");
  EXPECT_EQ(
      error({"launch"}),
      "unknown command \"launch\"; there are serve, check, reload, restart, stop, status, call, inspect, new, help");
  EXPECT_EQ(error({"help", "chek"}), "unknown command \"chek\"; did you mean \"check\"?");
  EXPECT_EQ(error({"serve"}), "serve needs exactly one FILE");
  EXPECT_EQ(error({"check", "a.yaml", "b.yaml"}), "check needs exactly one FILE");
  EXPECT_EQ(error({"check", "a.yaml", "--strict"}), "check has no option --strict");
  EXPECT_EQ(error({"serve", "a.yaml", "--print"}), "serve has no option --print");
  EXPECT_THAT(error({"serve", "a.yaml", "--nonsense"}), HasSubstr("--nonsense"));
}

TEST(Arguments, give_an_option_its_value_in_either_spelling) {
  for (const auto& words : {std::vector{"reload", "a.yaml", "--app", "shop", "--control=/run/x"},
                            {"--app=shop", "--control", "/run/x", "reload", "a.yaml"},
                            {"reload", "--control", "/run/x", "a.yaml", "--app", "shop"}}) {
    const auto arguments = parsed(words);
    ASSERT_TRUE(arguments) << arguments.error().message();
    EXPECT_EQ(arguments->operand(), "a.yaml");
    EXPECT_EQ(arguments->value("app"), "shop");
    EXPECT_EQ(arguments->value("control"), "/run/x");
  }
  EXPECT_EQ(parsed({"stop", "a.yaml"})->value("control"), std::nullopt);
}

TEST(Arguments, of_one_command_may_be_two_or_three_words) {
  EXPECT_EQ(parsed({"call", "a.so", "/"})->operands, (std::vector<std::string>{"a.so", "/"}));
  EXPECT_EQ(parsed({"call", "-i", "a.so", "PUT", "/x"})->operands, (std::vector<std::string>{"a.so", "PUT", "/x"}));
  EXPECT_EQ(error({"call", "a.so"}), "call needs PLUGIN.so [METHOD] URI");
  EXPECT_EQ(error({"call", "a.so", "GET", "/", "/"}), "call needs PLUGIN.so [METHOD] URI");
  EXPECT_EQ(error({"inspect"}), "inspect needs exactly one PLUGIN.so");
}

TEST(Arguments, may_be_letters_and_be_repeated) {
  const auto arguments = parsed({"call", "a.so", "/", "-H", "A: 1", "-HB: 2", "--header=C: 3", "--header", "-D: 4"});
  ASSERT_TRUE(arguments) << arguments.error().message();
  EXPECT_EQ(arguments->values("header"), (std::vector<std::string>{"A: 1", "B: 2", "C: 3", "-D: 4"}));
  EXPECT_EQ(arguments->values("env"), std::vector<std::string>{});
  EXPECT_TRUE(parsed({"call", "-i", "a.so", "/"})->has("include"));
  EXPECT_NE(error({"call", "a.so", "/", "-d", "1", "-d", "2"}), "accepted");
  EXPECT_NE(error({"call", "a.so", "/", "-i=no"}), "accepted");
}

// What follows a letter is its value, whatever it looks like.
TEST(Arguments, keep_values_that_look_like_options) {
  for (const char* value : {"ata=1", "ata", "a", "=", ":", "-d", "--", "--data=2", "d", ""}) {
    EXPECT_EQ(parsed({"call", "a.so", "/", "-d", value})->value("data"), value);
    EXPECT_EQ(parsed({"call", "a.so", "/", "--data", value})->value("data"), value);
  }
  EXPECT_EQ(parsed({"call", "a.so", "/", "-H", "eader: 1"})->value("header"), "eader: 1");
  EXPECT_EQ(parsed({"call", "--", "a.so", "-d"})->operands, (std::vector<std::string>{"a.so", "-d"}));
}

TEST(Arguments, name_a_language_whose_name_begins_with_that_of_another) {
  EXPECT_TRUE(parsed({"new", "shop", "--c"})->has("c"));
  EXPECT_FALSE(parsed({"new", "shop", "--c"})->has("c++"));
  EXPECT_TRUE(parsed({"new", "shop", "--c++"})->has("c++"));
  EXPECT_FALSE(parsed({"new", "shop", "--c++"})->has("c"));
  EXPECT_TRUE(parsed({"new", "shop", "--rust"})->has("rust"));
}

TEST(Arguments, name_the_socket_in_the_place_of_the_file) {
  const auto arguments = parsed({"status", "--control", "/run/x"});
  ASSERT_TRUE(arguments) << arguments.error().message();
  EXPECT_EQ(arguments->operand(), "");
  EXPECT_EQ(error({"status"}), "status needs exactly one FILE");
  EXPECT_EQ(error({"status", "a.yaml", "b.yaml", "--control", "/run/x"}), "status needs exactly one FILE");
}

TEST(Arguments, that_lack_something_are_told_what) {
  EXPECT_EQ(error({"restart", "a.yaml"}), "restart needs --app NAME");
  EXPECT_THAT(error({"reload", "a.yaml", "--app"}), HasSubstr("app"));
  EXPECT_NE(error({"reload", "a.yaml", "--app"}), "accepted");
  EXPECT_EQ(error({"stop", "a.yaml", "--app", "shop"}), "stop has no option --app");
}

TEST(Arguments, are_escaped_where_they_are_told) {
  EXPECT_EQ(error({"\x1b[31mred"}),
            "unknown command \"\\x1b[31mred\"; there are serve, check, reload, restart, stop, status, call, inspect, "
            "new, help");
  EXPECT_EQ(error({"serve", "a.yaml", "--\x1b[31m"}).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace forklift::cli
