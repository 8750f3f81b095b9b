// `forklift call` and `forklift inspect`: a plugin without a server is what it is in one.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <regex>

#include "harness/child.h"
#include "harness/files.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

class Call : public testing::Test {
 protected:
  // Runs `forklift WORDS...` with standard output and standard error apart; `input` is standard input.
  ExitStatus run(const std::vector<std::string>& words, const std::string& input = "") {
    write_file(folder_ / "in", input);
    std::vector<std::string> command = {"/bin/sh", "-c", "exec \"$@\" > out < in", "sh", server_binary()};
    command.insert(command.end(), words.begin(), words.end());
    command[2] = fmt::format("cd {} && {}", folder_.path(), command[2]);
    std::filesystem::remove(folder_ / "err");
    const char* asan = std::getenv("ASAN_OPTIONS");
    Child child;
    child.start({.command = command,
                 .environment = {fmt::format("ASAN_OPTIONS={}:handle_segv=0:handle_abort=0", asan ? asan : "")},
                 .output = folder_ / "err"});
    return child.wait(3 * kPatience);
  }
  std::string out() const { return read_file(folder_ / "out"); }
  std::string err() const { return std::filesystem::exists(folder_ / "err") ? read_file(folder_ / "err") : ""; }

  ExitStatus misbehave(const std::string& what, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"call", "-H", "X-Do: " + what, fixture_file("misbehaves_as_told"), "/x"});
    return run(options);
  }

  TempDir folder_;
};

TEST_F(Call, PrintsTheBodyAlone) {
  EXPECT_EQ(run({"call", plugin_file("hello"), "/"}), kGood);
  EXPECT_EQ(out(), "Hello, world\n");
  EXPECT_EQ(err(), "");
}

TEST_F(Call, PrintsTheHeadAsTheServerWouldSendItWhereItIsAskedFor) {
  EXPECT_EQ(run({"call", "-i", plugin_file("hello"), "/"}), kGood);
  EXPECT_EQ(out(), "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 13\n\nHello, world\n");
  EXPECT_EQ(run({"call", "--include", plugin_file("hello"), "HEAD", "/"}), kGood);
  EXPECT_EQ(out(), "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 13\n\n");
}

TEST_F(Call, FindsAPluginInTheFolderThatItIsIn) {
  std::filesystem::copy_file(plugin_file("hello"), folder_ / "hello.so");
  EXPECT_EQ(run({"call", "hello.so", "/"}), kGood);
  EXPECT_EQ(out(), "Hello, world\n");
}

TEST_F(Call, SendsABodyFromTheCommandLineAFileOrStandardInput) {
  const std::string large(3'000'000, 'x');
  write_file(folder_ / "body", large);
  EXPECT_EQ(run({"call", "-d", "a=b", plugin_file("echo"), "/"}), kGood);
  EXPECT_EQ(out(), "a=b");
  EXPECT_EQ(run({"call", "-d", "@body", plugin_file("echo"), "PUT", "/?stream"}), kGood);
  EXPECT_EQ(out(), large);
  EXPECT_EQ(run({"call", "-d", "@-", plugin_file("echo"), "/"}, large), kGood);
  EXPECT_EQ(out(), large);
  EXPECT_EQ(run({"call", "-d", "@nothing", plugin_file("echo"), "/"}), kWrongUse);
  EXPECT_EQ(err(), "forklift: --data: nothing: No such file or directory\n");
}

TEST_F(Call, EndsThoughNobodyReadsTheBody) {
  EXPECT_EQ(run({"call", "-d", "@-", plugin_file("hello"), "/"}, std::string(3'000'000, 'x')), kGood);
  EXPECT_EQ(out(), "Hello, world\n");
}

TEST_F(Call, GivesThePluginItsSettings) {
  write_file(folder_ / "settings.yaml", "greeting: Salut\n");
  EXPECT_EQ(run({"call", "--settings", "settings.yaml", plugin_file("hello_cc"), "/"}), kGood);
  EXPECT_EQ(out(), "Salut, world\n");
  EXPECT_EQ(run({"call", "--settings", "settings.yaml", "--settings", "greeting=Hola", plugin_file("hello_cc"), "/"}),
            kGood);
  EXPECT_EQ(out(), "Hola, world\n");
  EXPECT_EQ(run({"call", "--settings", "no.such[1]=x", plugin_file("hello_cc"), "/"}), kWrongUse);
  EXPECT_THAT(err(), HasSubstr("the next item of the list is [0], not [1]"));
  write_file(folder_ / "settings.yaml", "greeting: [\n");
  EXPECT_EQ(run({"call", "--settings", "settings.yaml", plugin_file("hello_cc"), "/"}), kWrongUse);
  EXPECT_THAT(err(), HasSubstr("settings.yaml:"));
}

TEST_F(Call, NamesTheStepAtWhichAPluginDoesNotStart) {
  write_file(folder_ / "settings.yaml", "greting: Salut\n");
  EXPECT_EQ(run({"call", "--settings", "settings.yaml", plugin_file("hello_cc"), "/"}), kFailed);
  EXPECT_THAT(err(), StartsWith("forklift: failed at CREATED: settings.yaml:1:10: setting \"greting\": "));
  EXPECT_EQ(run({"call", fixture_file("create_refuses"), "/"}), kFailed);
  EXPECT_EQ(err(), "forklift: failed at CREATED: no such table: orders\n");
  EXPECT_EQ(run({"call", fixture_file("newer_api"), "/"}), kFailed);
  EXPECT_THAT(err(), HasSubstr("the plugin was built for version 1.1 of the plugin API, this server has 1.0"));
  EXPECT_EQ(run({"call", fixture_file("undefined_symbol"), "/"}), kFailed);
  EXPECT_THAT(err(), AllOf(StartsWith("forklift: failed at LOADED: "), HasSubstr("nowhere_to_be_found")));
  EXPECT_EQ(run({"call", source_file("README.md"), "/"}), kFailed);
  EXPECT_THAT(err(), HasSubstr("README.md is not an ELF file"));
}

TEST_F(Call, RunsEachPartOfAPluginOnceAndInOrder) {
  EXPECT_EQ(run({"call", fixture_file("tells_where_it_runs"), "/"}), kGood);
  std::string pieces;
  const std::string said = err();
  static const std::regex line("fixture: (\\w+) in pid");
  for (std::sregex_iterator it(said.begin(), said.end(), line), end; it != end; ++it) pieces += (*it)[1].str() + " ";
  EXPECT_EQ(pieces, "constructor create produce destroy ");
}

TEST_F(Call, KeepsWhatAPluginPrintsOutOfTheResponse) {
  EXPECT_EQ(misbehave("print"), kGood);
  EXPECT_EQ(out(), "page\n");
  EXPECT_THAT(err(), AllOf(HasSubstr("to output\n"), HasSubstr("to error\n")));
}

TEST_F(Call, SaysWhyARequestHasFailed) {
  EXPECT_EQ(misbehave("fail", {"-i"}), kFailed);
  EXPECT_THAT(out(), StartsWith("HTTP/1.1 500 Internal Server Error\n"));
  EXPECT_EQ(err(), "error: GET \"/x\" answered 500: produce returned 1\n");
  EXPECT_EQ(run({"call", "-H", "X-Answer: cr", fixture_file("answers_as_told"), "/"}), kFailed);
  EXPECT_THAT(err(), HasSubstr("answered 500: "));
  EXPECT_EQ(run({"call", "-H", "X-Answer: 503", fixture_file("answers_as_told"), "/"}), kFailed);
  EXPECT_EQ(out(), "later\n");
  EXPECT_EQ(run({"call", "-H", "X-Answer: 401", fixture_file("answers_as_told"), "/"}), kGood);
  EXPECT_EQ(out(), "who are you?\n");
}

TEST_F(Call, RunsWhatAPluginDefersWhenTheResponseWasSent) {
  EXPECT_EQ(run({"call", "--repeat", "2", fixture_file("defers_a_line"), "/"}), kGood);
  EXPECT_EQ(out(), "page\n");
  EXPECT_THAT(err(), StartsWith("info: produced\ninfo: deferred\ninfo: produced\ninfo: deferred\n2 requests, "));
}

TEST_F(Call, FailsWhereThePluginEndsTheProcess) {
  for (const char* how : {"exit", "pthread_exit"}) {
    EXPECT_EQ(run({"call", "-H", fmt::format("X-Leave: {}", how), fixture_file("leaves_as_told"), "/"}), kFailed)
        << how;
    EXPECT_EQ(out(), "");
    EXPECT_THAT(err(), HasSubstr("the plugin has ended the process\n")) << how;
  }
}

TEST_F(Call, FailsWhereNobodyTakesThePage) {
  Child child;
  const std::string line = fmt::format("'{}' call '{}' / >/dev/full", server_binary(), plugin_file("hello"));
  child.start({.command = {"/bin/sh", "-c", line}, .environment = {}, .output = folder_ / "said"});
  EXPECT_EQ(child.wait(seconds(20)), kFailed);
  EXPECT_THAT(read_file(folder_ / "said"), HasSubstr("standard output takes no more of the response"));
}

TEST_F(Call, DiesWithThePlugin) {
  EXPECT_EQ(misbehave("die"), ExitStatus::killed(SIGKILL));
}

TEST_F(Call, EndsWhatTakesTooLong) {
  EXPECT_EQ(misbehave("hang", {"--timeout", "200ms"}), kFailed);
  EXPECT_EQ(err(), "forklift: the request has not ended within 200ms (--timeout)\n");
  EXPECT_EQ(run({"call", "--timeout", "200ms", fixture_file("create_hangs"), "/"}), kFailed);
  EXPECT_THAT(err(), HasSubstr("forklift: create() has not ended within 200ms"));
  EXPECT_EQ(misbehave("print", {"--timeout", "10m"}), kGood);
}

TEST_F(Call, RepeatsARequestAndSaysHowLongItTook) {
  EXPECT_EQ(run({"call", "--repeat", "50", plugin_file("hello"), "/"}), kGood);
  EXPECT_EQ(out(), "Hello, world\n");
  EXPECT_THAT(err(), MatchesRegex("50 requests, 0 failed: min [0-9.]+ ms, median [0-9.]+ ms, p99 [0-9.]+ ms, "
                                  "max [0-9.]+ ms; [0-9]+ requests/s\n"));
  EXPECT_EQ(misbehave("fail", {"--repeat", "3"}), kFailed);
  EXPECT_THAT(err(), HasSubstr("\n3 requests, 3 failed: "));
  EXPECT_EQ(run({"call", "--repeat", "0", plugin_file("hello"), "/"}), kWrongUse);
}

TEST_F(Call, CallsPluginsThatTakeTheConnection) {
  EXPECT_EQ(run({"call", "-d", "body", fixture_file("speaks_for_itself"), "/x"}), kGood);
  EXPECT_THAT(out(), AllOf(HasSubstr("REQUEST_URI"), HasSubstr("body")));
  EXPECT_EQ(run({"call", "-H", "X-Do: fail", fixture_file("speaks_for_itself"), "/x"}), kFailed);
  EXPECT_THAT(err(), HasSubstr("handle_connection returned 7"));
}

// A program that is run for a request, whose end a dozen processes may hold open.
TEST_F(Call, CallsThePluginThatRunsPrograms) {
  write_file(folder_ / "page", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s' \"$PATH_INFO\"\n");
  std::filesystem::permissions(folder_ / "page", std::filesystem::perms(0755));
  EXPECT_EQ(run({"call", "--settings", "mounts[0].at=/bin", "--settings", "mounts[0].root=" + folder_.path(),
                 plugin_file("cgi"), "/bin/page/info"}),
            kGood)
      << err();
  EXPECT_EQ(out(), "/info");
}

TEST_F(Call, IsToldWhatIsWrongWithItsCommandLine) {
  for (const auto& [words, told] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"call", "x.so"}, "forklift: call needs PLUGIN.so [METHOD] URI; try forklift --help\n"},
           {{"call", "x.so", "page"}, "forklift: the URI \"page\" does not begin with /\n"},
           {{"call", "-H", "X", "x.so", "/"}, "forklift: the header \"X\" is not Name: value\n"}}) {
    EXPECT_EQ(run(words), kWrongUse);
    EXPECT_EQ(err(), told);
    EXPECT_THAT(out(), IsEmpty());
  }
}

TEST_F(Call, WhoseOutputNobodyReadsEnds) {
  Child child;
  child.start({.command = {"/bin/sh", "-c", "\"$0\" call -H 'X-Do: stream' \"$1\" / 2>err | head -c 100000 >/dev/null",
                           server_binary(), fixture_file("misbehaves_as_told")},
               .environment = {},
               .output = folder_ / "err"});
  EXPECT_EQ(child.wait(3 * kPatience), kGood) << "that is head's";
}

TEST_F(Call, OfInspectTellsWhatIsInAFile) {
  EXPECT_EQ(run({"inspect", plugin_file("hello")}), kGood);
  EXPECT_THAT(out(), AllOf(StartsWith("name         hello\n"), HasSubstr("accepted     yes\n")));
  EXPECT_EQ(run({"inspect", "--json", fixture_file("constructor_exits")}), kGood);
  EXPECT_THAT(out(), AllOf(StartsWith("{\"file\":"), HasSubstr("\"accepted\":true")));
  EXPECT_EQ(run({"inspect", source_file("README.md")}), kFailed);
  EXPECT_THAT(err(), MatchesRegex("forklift: [^\n]*README.md is not an ELF file\n"));
  EXPECT_THAT(out(), IsEmpty());
}

}  // namespace
}  // namespace harness
