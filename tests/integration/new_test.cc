// `forklift new`: what it makes compiles, passes its own tests, and is a plugin that the server takes. That CMake finds
// Forklift in an installed prefix is for tests/consumer to show.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "harness/child.h"
#include "harness/files.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// A compiler on a loaded machine.
constexpr milliseconds kBuildPatience = seconds(100);

class New : public testing::Test {
 protected:
  ~New() override {
    if (HasFailure()) fmt::print("---- output ----\n{}----------------\n", output());
  }

  // A line of the shell, in the folder; `forklift` is the server's binary.
  ExitStatus run(const std::string& line, const std::vector<std::string>& environment = {}) {
    std::filesystem::remove(folder_ / "out");
    const std::string lead = fmt::format("cd '{}' && forklift() {{ '{}' \"$@\"; }}; ", folder_.path(), server_binary());
    Child child;
    child.start({.command = {"/bin/sh", "-ec", lead + line}, .environment = environment, .output = folder_ / "out"});
    return child.wait(kBuildPatience);
  }
  std::string output() const { return std::filesystem::exists(folder_ / "out") ? read_file(folder_ / "out") : ""; }
  std::vector<std::string> entries() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      if (entry.path().filename() != "out") names.push_back(entry.path().filename());
    }
    return names;
  }
  // What all of them do, whatever they are written in.
  void expect_to_work(const std::string& plugin) {
    EXPECT_EQ(run(fmt::format("forklift inspect {}", plugin)), kGood);
    EXPECT_THAT(output(), AllOf(StartsWith("name         my-shop\n"), HasSubstr("accepted     yes\n")));
    EXPECT_EQ(run(fmt::format("forklift call -i --settings greeting=Salut {} /", plugin)), kGood);
    EXPECT_THAT(output(), AllOf(StartsWith("HTTP/1.1 200 OK\n"), HasSubstr("\n\nSalut, request 1 of this worker\n")));
    EXPECT_EQ(run(fmt::format("forklift call -i {} /elsewhere", plugin)), kGood);
    EXPECT_THAT(output(), StartsWith("HTTP/1.1 404 Not Found\n"));
    EXPECT_EQ(run(fmt::format("forklift call --settings greeting= {} /", plugin)), kFailed);
    EXPECT_EQ(output(), "forklift: failed at CREATED: setting \"greeting\": must not be empty\n");
  }

  TempDir folder_;
};

// What compilers and tools of others do with it, which takes long. tests/run leaves it out where the server is another
// and they are the same.
class NewCompiles : public New {};

TEST_F(NewCompiles, MakesAPluginInCThatCompilersTake) {
  ASSERT_EQ(run("forklift new my-shop --c"), kGood);
  EXPECT_THAT(output(), StartsWith("my-shop: a plugin in C; "));
  for (const char* compiler : {"gcc", "clang"}) {
    ASSERT_EQ(run(fmt::format("cd my-shop; {} -std=c11 -Wall -Wextra -Wpedantic -Werror -shared -fPIC -I {} my-shop.c "
                              "-o my-shop.so",
                              compiler, source_file("plugin-api/include"))),
              kGood)
        << compiler;
    expect_to_work("my-shop/my-shop.so");
  }
}

TEST_F(NewCompiles, MakesAPluginInCxxUnlessItIsToldOtherwise) {
  ASSERT_EQ(run("forklift new my-shop"), kGood);
  EXPECT_THAT(output(), StartsWith("my-shop: a plugin in C++; "));
  for (const char* compiler : {"g++", "clang++"}) {
    ASSERT_EQ(run(fmt::format("cd my-shop; {} -std=c++17 -Wall -Wextra -Wpedantic -Werror -shared -fPIC "
                              "-fvisibility=hidden -I {} my-shop.cc -o my-shop.so",
                              compiler, source_file("plugin-api/include"))),
              kGood)
        << compiler;
    expect_to_work("my-shop/my-shop.so");
  }
}

TEST_F(NewCompiles, MakesUnitTestsInCThatPass) {
  ASSERT_EQ(run("forklift new one --c"), kGood);
  const std::string flags = fmt::format("-Wall -Wextra -Wpedantic -Werror -I {}", source_file("plugin-api/include"));
  EXPECT_EQ(
      run(fmt::format("cd one; gcc -c {0} one.c; g++ -std=c++17 {0} one_test.cc one.o -o one_test; ./one_test", flags)),
      kGood);
}

TEST_F(NewCompiles, MakesUnitTestsInCxxThatPassAndThatFailWithThePlugin) {
  ASSERT_EQ(run("forklift new two --c++"), kGood);
  const std::string build =
      fmt::format("g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -I {}", source_file("plugin-api/include"));
  ASSERT_EQ(run(fmt::format("cd two; {} -c two_test.cc; {} two_test.o two.cc -o two_test; ./two_test", build, build)),
            kGood);
  ASSERT_EQ(run(fmt::format("cd two; sed -i s/404/403/ two.cc; {} two_test.o two.cc -o two_test; ./two_test", build)),
            kFailed);
  EXPECT_THAT(output(), testing::MatchesRegex("two_test.cc:[0-9]+: not true: .*elsewhere.* == 404\n"));
}

// By the distribution's compiler: one of rustup's would fetch what is missing.
TEST_F(NewCompiles, MakesAPluginInRustWithoutCrates) {
  ASSERT_EQ(run("forklift new my-shop --rust"), kGood);
  const std::vector<std::string> debian = {"PATH=/usr/bin:/bin", "RUSTFLAGS=-D warnings"};
  ASSERT_EQ(run("cd my-shop; cargo build --release --offline", debian), kGood);
  expect_to_work("my-shop/target/release/libmy_shop.so");
  ASSERT_EQ(run("cd my-shop; cargo test --offline", debian), kGood);
  EXPECT_THAT(output(), HasSubstr("test result: ok. 3 passed"));
}

// TestHost of `forklift new test-host`, for one.
TEST_F(NewCompiles, MakesAPluginInRustWhateverItIsCalled) {
  std::set<std::string> names;
  const std::regex type("(?:struct|enum|trait) ([A-Z][A-Za-z]*)");
  for (const char* file : {"forklift.rs", "testing.rs"}) {
    const std::string text = read_file(source_file(std::string("plugin-api/templates/rust/src/") + file));
    for (std::sregex_iterator at(text.begin(), text.end(), type), end; at != end; ++at) {
      std::string name;
      for (const char c : (*at)[1].str()) {
        const bool is_capital = c >= 'A' && c <= 'Z';
        if (is_capital && !name.empty()) name += '-';
        name += is_capital ? static_cast<char>(c - 'A' + 'a') : c;
      }
      names.insert(name);
    }
  }
  ASSERT_TRUE(names.contains("test-host"));
  std::size_t made = 0;
  for (const std::string& name : names) {
    const ExitStatus status = run(fmt::format("forklift new {} --rust", name));
    if (status == kWrongUse && output().find("is taken: ") != std::string::npos) continue;
    ASSERT_EQ(status, kGood) << name;
    EXPECT_EQ(
        run(fmt::format("cd {}; cargo test --offline", name),
            {"PATH=/usr/bin:/bin", "RUSTFLAGS=-D warnings", fmt::format("CARGO_TARGET_DIR={}/target", folder_.path())}),
        kGood)
        << name << "\n"
        << output();
    ++made;
  }
  EXPECT_GT(made, 5U);
}

TEST_F(New, MakesAConfigurationThatTheServerTakes) {
  ASSERT_EQ(run("forklift new my-shop; mkdir my-shop/build; chmod 755 . my-shop my-shop/build"), kGood);
  std::filesystem::copy_file(plugin_file("hello_cc"), folder_ / "my-shop/build/my-shop.so");
  EXPECT_EQ(run("forklift check my-shop/my-shop.yaml"), kGood);
  EXPECT_THAT(output(), HasSubstr("my-shop.yaml: fine: 1 app\n"));
}

TEST_F(New, MakesItElsewhere) {
  std::filesystem::create_directory(folder_ / "work");
  ASSERT_EQ(run("forklift new shop --directory work"), kGood);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "work/shop/shop.cc"));
  EXPECT_EQ(run("forklift new shop --directory nowhere"), kFailed);
  EXPECT_EQ(output(), "forklift: nowhere: No such file or directory\n");
}

TEST_F(New, RefusesWhatWouldHarm) {
  ASSERT_EQ(run("forklift new shop; echo mine > shop/shop.cc"), kGood);
  EXPECT_EQ(run("forklift new shop"), kFailed);
  EXPECT_EQ(output(), "forklift: shop is there already\n");
  EXPECT_EQ(read_file(folder_ / "shop/shop.cc"), "mine\n");
  EXPECT_EQ(run("forklift new ../evil"), kWrongUse);
  EXPECT_EQ(run("forklift new test"), kWrongUse);
  EXPECT_EQ(run("forklift new x --c --rust"), kWrongUse);
  EXPECT_THAT(entries(), testing::ElementsAre("shop"));
}

}  // namespace
}  // namespace harness
