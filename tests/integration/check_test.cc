// `forklift check`: what plugins do when they are tried is told, in time, without harm, and nothing is left of it.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <ostream>
#include <regex>

#include "harness/checking.h"
#include "harness/endpoint.h"
#include "harness/processes.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

TEST_F(Check, SaysWhatIsFine) {
  write({{"hello", plugin_file("hello")}, {"hello_cc", plugin_file("hello_cc")}, {"env", plugin_file("env")}});
  EXPECT_EQ(run(), ExitStatus::exited(0));
  EXPECT_EQ(output(), fmt::format("{}: fine: 3 apps\n", file()));
}

// A server that runs from the same file has all of this.
TEST_F(Check, TakesNoPortAndMakesNoFile) {
  const std::uint16_t port = free_port();
  write({{"app", plugin_file("hello"), fmt::format("access_log: {{file: {}}}", folder_ / "access")}},
        "pid_file: pid\nlog: {file: log}");
  std::string text = read_file(file());
  text.replace(text.find("listen: 40001"), 13, fmt::format("listen: [{}, unix:socket]", port));
  write_file(file(), text);
  EXPECT_EQ(run(), ExitStatus::exited(0));
  EXPECT_EQ(output(), fmt::format("{}: fine: 1 app\n", file()));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "access"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "log"));
}

// A plugin that does not start; `{}` in `told` is its path.
struct Failure {
  const char* name;  // of the fixture
  const char* told;  // behind the place and the app
};

std::ostream& operator<<(std::ostream& out, const Failure& failure) {
  return out << failure.name;
}

class CheckOfAPlugin : public Check, public testing::WithParamInterface<Failure> {};

INSTANTIATE_TEST_SUITE_P(
    ThatFails, CheckOfAPlugin,
    testing::Values(
        Failure{"constructor_crashes",
                "failed at LOADED: its process died of signal 11 \\(Segmentation fault\\).*; look into its static "
                "constructors and those of its libraries.*"},
        Failure{"constructor_exits",
                "failed at LOADED: its process exited with status 0; look into its static constructors .*"},
        Failure{"constructor_hangs",
                "failed at LOADED: not reached within timeouts.start; look for what its static constructors and those "
                "of its libraries may be waiting for, or raise timeouts.start"},
        Failure{"create_hangs",
                "failed at CREATED: not reached within timeouts.start; look for what its create\\(\\) may be waiting "
                "for, or raise timeouts.start"},
        Failure{"create_prints_for_ever", "failed at CREATED: not reached within timeouts.start; .*"},
        Failure{"create_refuses", "failed at CREATED: no such table: orders; this is the plugin's own reason: .*"},
        Failure{"undefined_symbol",
                "failed at LOADED: .*undefined symbol: nowhere_to_be_found.*; ldd -r .* shows all that it misses"},
        Failure{"newer_api", "failed at CHECKED: the plugin was built for version 1.1 of the plugin API.*"},
        Failure{"newer_api_noted", "failed at CHECKED: the plugin was built for version 1.1 of the plugin API.*"},
        Failure{"missing_file", "failed at IMAGED: .*: No such file or directory; write the path of a .*"}),
    testing::PrintToStringParamName());

TEST_P(CheckOfAPlugin, TellsIt) {
  write({{"bad", fixture_file(GetParam().name), "timeouts: {start: 1s}"}});
  EXPECT_EQ(run(), ExitStatus::exited(2));
  const auto found = lines();
  const auto finding = std::ranges::find_if(found, [&](const auto& line) { return line.starts_with(file()); });
  ASSERT_NE(finding, found.end());
  const std::string place = place_of_plugin("bad");
  ASSERT_THAT(*finding, StartsWith(place));
  EXPECT_TRUE(std::regex_match(finding->substr(place.size()), std::regex(GetParam().told))) << *finding;
  EXPECT_EQ(last_line(), file() + ": 1 finding");
}

TEST_F(Check, TriesAllAppsInTheirOrder) {
  write({{"one", fixture_file("constructor_exits")},
         {"two", plugin_file("hello")},
         {"three", fixture_file("constructor_prints")},
         {"four", fixture_file("create_refuses")}});
  EXPECT_EQ(run(), ExitStatus::exited(2));
  EXPECT_THAT(lines(),
              ElementsAre(StartsWith(place_of_plugin("one", 3) + "failed at LOADED: "),
                          "app \"three\" stdout: printed by a constructor",
                          StartsWith(place_of_plugin("four", 6) + "failed at CREATED: "), file() + ": 2 findings"));
}

TEST_F(Check, NamesTheIncludedFileInWhichAPluginStands) {
  write({{"bad", fixture_file("create_refuses")}});
  std::filesystem::rename(file(), folder_ / "included.yaml");
  write_file(folder_ / "included.yaml", read_file(folder_ / "included.yaml").substr(sizeof "runtime_dir: run"));
  write({{"good", plugin_file("hello")}}, "include: [included.yaml]");
  EXPECT_EQ(run(), ExitStatus::exited(2));
  EXPECT_THAT(output(), StartsWith(folder_ / "included.yaml" + ":2:23: app \"bad\": failed at CREATED: "));
}

TEST_F(Check, ShowsABoundedPartOfWhatAPluginPrints) {
  write({{"app", fixture_file("create_prints_for_ever"), "timeouts: {start: 1s}"}});
  EXPECT_EQ(run(), ExitStatus::exited(2));
  const auto found = lines();
  EXPECT_EQ(std::ranges::count(found, "app \"app\" stdout: one more line"), 100);
  EXPECT_EQ(std::ranges::count_if(
                found, [](const auto& line) { return std::regex_match(line, std::regex(".*and [0-9]+ more lines")); }),
            1);
}

TEST_F(Check, RunsAPluginAsItsUserUntilItIsDestroyed) {
  write({{"app", fixture_file("tells_where_it_runs")}});
  EXPECT_EQ(run(), ExitStatus::exited(0));
  const auto uid = is_root() ? getpwnam("nobody")->pw_uid : geteuid();
  for (const char* piece : {"constructor", "create", "destroy"}) {
    EXPECT_THAT(output(), testing::ContainsRegex(
                              fmt::format("app \"app\" stderr: fixture: {} in pid [0-9]+ uid {}\n", piece, uid)));
  }
  EXPECT_THAT(output(), Not(HasSubstr("destructor")));
}

// The address sanitizer keeps what was freed as it was, in its quarantine.
class NotSanitizedCheck : public Check {};

TEST_F(NotSanitizedCheck, ShowsAPluginNothingOfOtherApps) {
  const std::string own = "this-is-of-the-app-itself", setting = "a-secret-of-another-app-settings",
                    variable = "a-secret-of-another-environment";
  // The fixture is told backwards what to look for.
  const auto backwards = [](const std::string& text) { return std::string(text.rbegin(), text.rend()); };
  write({{"keeper", plugin_file("hello"),
          fmt::format("settings: {{password: {}}}, environment: {{TOKEN: {}}}", setting, variable)},
         {"finder", fixture_file("finds_texts"),
          fmt::format("settings: {{at_create: yes, own: {}, backwards: [{}, {}, {}]}}", own, backwards(own),
                      backwards(setting), backwards(variable))}});
  EXPECT_EQ(run({"--print"}), ExitStatus::exited(0));
  EXPECT_THAT(output(), HasSubstr("app \"finder\" info: found none none\n"));
}

TEST_F(Check, WarnsOfADestroyThatHangs) {
  write({{"app", fixture_file("destroy_hangs"), "timeouts: {stop: 1s}"}});
  EXPECT_EQ(run(), ExitStatus::exited(0));
  EXPECT_THAT(output(), HasSubstr("note: app \"app\": its destroy() has not returned within timeouts.stop"));
  EXPECT_EQ(last_line(), file() + ": fine: 1 app");
}

TEST_F(Check, EndsAlsoADaemonThatAPluginHasStarted) {
  write({{"app", fixture_file("create_starts_a_daemon")}});
  EXPECT_EQ(run(), ExitStatus::exited(0));
  std::smatch parts;
  const std::string said = output();
  ASSERT_TRUE(std::regex_search(said, parts, std::regex("stdout: the daemon is ([0-9]+)\n")));
  EXPECT_FALSE(find_process(std::stoi(parts[1])));
}

TEST_F(Check, NamesLibrariesThatAreNotTheSystems) {
  const std::string library = folder_ / "libown.so";
  std::filesystem::copy_file(fixture_file("deepthought"), library);
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
  write({{"app", fixture_file("create_opens_a_library"), fmt::format("settings: {{library: {}}}", library)},
         {"hello_cc", plugin_file("hello_cc")}});
  EXPECT_EQ(run(), ExitStatus::exited(0));
  EXPECT_THAT(lines(), ElementsAre(AllOf(StartsWith(file() + ":3:23: note: app \"app\": it has loaded " + library),
                                         HasSubstr("replace it by rename")),
                                   file() + ": fine: 2 apps"));
}

// The one thing that goes to standard output: it can be kept as a file that means the same.
TEST_F(Check, PrintsTheEffectiveConfigurationApart) {
  write({{"prints", fixture_file("constructor_prints"), "timeouts: {start: 5s}"}, {"hello", plugin_file("hello")}});
  const auto print = [&](const std::string& to) {
    std::filesystem::remove(folder_ / "out");
    start_command({"/bin/sh", "-c", "exec \"$0\" check \"$1\" --print > \"$2\"", server_binary(), file(), to});
    EXPECT_EQ(wait(), ExitStatus::exited(0));
    EXPECT_EQ(output(), fmt::format("app \"prints\" stdout: printed by a constructor\n{}: fine: 2 apps\n", file()));
    return read_file(to);
  };
  const std::string printed = print(folder_ / "once");
  EXPECT_THAT(printed, AllOf(HasSubstr("name: prints\n"), HasSubstr("start: 5s\n"), HasSubstr("stop: 30s\n")));
  EXPECT_THAT(printed, Not(HasSubstr("printed by a constructor")));
  write_file(file(), printed);
  EXPECT_EQ(print(folder_ / "twice"), printed);
}

TEST_F(Check, PrintsNothingOfAFileThatCannotBeRead) {
  write_file(file(), "apps: 5\n");
  start_command(
      {"/bin/sh", "-c", "exec \"$0\" check \"$1\" --print > \"$2\"", server_binary(), file(), folder_ / "print"});
  EXPECT_EQ(wait(), ExitStatus::exited(2));
  EXPECT_EQ(read_file(folder_ / "print"), "");
}

// Nobody waits for what it is doing, but it must not be left.
TEST_F(Check, TakesThePluginWithItWhenASignalEndsIt) {
  for (const int signal : {SIGINT, SIGTERM, SIGKILL}) {
    write({{"app", fixture_file("create_hangs"), "timeouts: {start: 1h}"}, {"next", plugin_file("hello")}});
    std::filesystem::remove(folder_ / "out");
    start();
    ASSERT_TRUE(wait_for_output("app \"app\" info: create hangs\n"));
    const auto workers = children_of(child_.pid());
    ASSERT_EQ(workers.size(), 1u);
    child_.signal(signal);
    if (signal == SIGKILL) {
      EXPECT_EQ(wait(), ExitStatus::killed(SIGKILL));
    } else {
      EXPECT_EQ(wait(), ExitStatus::exited(2));
      EXPECT_THAT(last_line(), HasSubstr(fmt::format("ended by signal {}", signal)));
      EXPECT_THAT(last_line(), HasSubstr("2 of 2 apps not checked"));
    }
    EXPECT_TRUE(wait_until_gone(workers[0].pid));
  }
}

TEST_F(Check, TellsAllThatIsWrongWithTheFile) {
  write_file(file(), "appps:\napps:\n- {name: Shop, plugin: x.so, listen: 70000, timeout: {}}\n");
  EXPECT_EQ(run(), ExitStatus::exited(2));
  EXPECT_THAT(lines(), ElementsAre(StartsWith(file() + ":1:1: unknown key \"appps\"; did you mean \"apps\"?"),
                                   StartsWith(file() + ":3:10: name: "), StartsWith(file() + ":3:38: listen: "),
                                   StartsWith(file() + ":3:45: unknown key \"timeout\""),
                                   StartsWith(file() + ": 4 findings; users, folders and plugins")));
}

// The command line itself.
TEST_F(Check, IsNamedWhereItsNameIsMisspelt) {
  start_command({server_binary(), "chek", file()});
  EXPECT_EQ(wait(), ExitStatus::exited(2));
  EXPECT_EQ(output(), "forklift: unknown command \"chek\"; did you mean \"check\"?; try forklift --help\n");
}

TEST_F(Check, ExplainsItself) {
  start_command({server_binary(), "help", "check"});
  EXPECT_EQ(wait(), ExitStatus::exited(0));
  EXPECT_THAT(output(), StartsWith("usage: forklift check FILE [--print]\n"));
}

}  // namespace
}  // namespace harness
