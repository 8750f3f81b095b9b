#include "master/passed_sockets.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "../base/forked.h"
#include "base/log.h"

namespace forklift::master {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr pid_t kOwn = 123;

std::vector<std::string> names(const char* pid, const char* count, const char* names) {
  const auto parsed = parse_passed(pid, count, names, kOwn);
  EXPECT_TRUE(parsed) << parsed.error().message();
  return parsed ? *parsed : std::vector<std::string>{};
}

std::string error(const char* pid, const char* count, const char* names) {
  const auto parsed = parse_passed(pid, count, names, kOwn);
  return parsed ? "none" : parsed.error().message();
}

TEST(ParsePassed, has_a_name_for_each_descriptor) {
  EXPECT_THAT(names("123", "1", "web"), ElementsAre("web"));
  EXPECT_THAT(names("123", "3", "web:admin:web"), ElementsAre("web", "admin", "web"));
  EXPECT_THAT(names("123", "2", ":"), ElementsAre("", ""));
  EXPECT_THAT(names("123", "2", nullptr), ElementsAre("unknown", "unknown"));
  EXPECT_THAT(names("123", "0", ""), IsEmpty());
}

TEST(ParsePassed, nothing_is_passed_where_nobody_says_so_or_another_process_is_meant) {
  EXPECT_THAT(names(nullptr, nullptr, nullptr), IsEmpty());
  EXPECT_THAT(names("123", nullptr, nullptr), IsEmpty());
  EXPECT_THAT(names(nullptr, "1", "web"), IsEmpty());
  EXPECT_THAT(names("124", "1", "web"), IsEmpty());
}

TEST(ParsePassed, what_makes_no_sense_is_an_error) {
  EXPECT_THAT(error("x", "1", "web"), HasSubstr("LISTEN_PID: \"x\" is not a number"));
  EXPECT_THAT(error("", "1", "web"), HasSubstr("LISTEN_PID: \"\" is not a number"));
  EXPECT_THAT(error("123", "-1", "web"), HasSubstr("LISTEN_FDS: \"-1\" is not a number"));
  EXPECT_THAT(error("123", "99999999999999999999", nullptr), HasSubstr("LISTEN_FDS: "));
  EXPECT_EQ(error("123", "1025", nullptr), "LISTEN_FDS: 1025 is more than 1024");
  EXPECT_EQ(error("123", "2", "web"), "LISTEN_FDNAMES=\"web\" has 1 names, and LISTEN_FDS says 2");
  EXPECT_EQ(error("123", "1", "a:b"), "LISTEN_FDNAMES=\"a:b\" has 2 names, and LISTEN_FDS says 1");
}

// In a process whose descriptors from 3 on are pipes' ends, `count` of them, as a service manager starts it.
std::string with_passed(int count, const char* names, const std::function<std::string(PassedSockets&)>& work) {
  return in_child([&]() -> std::string {
           std::string said;
           log::redirect([&](log::Level, std::string_view line) { said += std::string(line) + "\n"; });
           for (int i = 0; i < count; ++i) ::dup2(STDIN_FILENO, 3 + i);
           ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
           ::setenv("LISTEN_FDS", std::to_string(count).c_str(), 1);
           ::setenv("LISTEN_FDNAMES", names, 1);
           auto passed = PassedSockets::take();
           if (!passed) return passed.error().message();
           for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
             if (std::getenv(variable)) return std::string(variable) + " is left";
           }
           const std::string result = work(*passed);
           return said + result;
         })
      .said;
}

TEST(PassedSockets, are_claimed_by_name_once_and_are_close_on_exec) {
  EXPECT_EQ(with_passed(3, "web:admin:web",
                        [](PassedSockets& passed) {
                          auto claimed = passed.claim("web");
                          std::string text;
                          for (const UniqueFd& fd : *claimed) {
                            text += fmt::format("{}:{} ", fd.get(), ::fcntl(fd.get(), F_GETFD) == FD_CLOEXEC);
                          }
                          return text + passed.claim("web").error().message();
                        }),
            "3:true 5:true the service manager has passed no socket with FileDescriptorName=web; there are \"admin\"");
}

TEST(PassedSockets, that_nobody_claims_are_told_and_closed) {
  EXPECT_EQ(
      with_passed(2, "web:admin",
                  [](PassedSockets& passed) {
                    const auto claimed = passed.claim("web");
                    passed.close_rest();
                    return fmt::format("{} {}", ::fcntl(3, F_GETFD), ::fcntl(4, F_GETFD));
                  }),
      "the service manager has passed a socket with FileDescriptorName=admin (descriptor 4), but no app listens on "
      "\"systemd:admin\"; closing it\n1 -1");
}

TEST(PassedSockets, that_are_fewer_than_was_said_are_an_error) {
  EXPECT_EQ(in_child([]() -> std::string {
              ::close(3);
              ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
              ::setenv("LISTEN_FDS", "1", 1);
              ::unsetenv("LISTEN_FDNAMES");
              const auto passed = PassedSockets::take();
              return passed ? "taken" : passed.error().message();
            }).said,
            "LISTEN_FDS says 1, but descriptor 3: Bad file descriptor");
}

TEST(PassedSockets, for_another_process_are_left_alone_and_named_when_they_are_missed) {
  const std::string said = in_child([]() -> std::string {
                             ::dup2(STDIN_FILENO, 3);
                             ::fcntl(3, F_SETFD, 0);
                             ::setenv("LISTEN_PID", "1", 1);
                             ::setenv("LISTEN_FDS", "1", 1);
                             auto passed = PassedSockets::take();
                             if (!passed) return passed.error().message();
                             return std::to_string(::fcntl(3, F_GETFD)) + " " + passed->claim("web").error().message();
                           }).said;
  EXPECT_THAT(said, testing::MatchesRegex("0 the service manager has passed its sockets to process \"1\", and this is "
                                          "[0-9]+; start the server with exec"));
}

TEST(PassedSockets, that_were_never_passed_are_missed_with_a_hint) {
  PassedSockets none;
  EXPECT_EQ(none.claim("web").error().message(),
            "the service manager has passed no socket; start the server by a socket unit with FileDescriptorName=web");
  none.close_rest();
}

}  // namespace
}  // namespace forklift::master
