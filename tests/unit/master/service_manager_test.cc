#include "master/service_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "../base/forked.h"
#include "../base/receiver.h"
#include "base/log.h"
#include "folder.h"

namespace forklift::master {
namespace {

using testing::HasSubstr;

std::string ready(const std::string& status) {
  return fmt::format("READY=1\nMAINPID={}\nSTATUS={}\n", ::getpid(), status);
}

class ServiceManagerTest : public testing::Test {
 protected:
  ServiceManagerTest() {
    log::redirect([this](log::Level, std::string_view line) { log_ += line; });
  }
  ~ServiceManagerTest() override {
    log::redirect(nullptr);
    for (const char* variable : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(variable);
  }

  const Folder folder_;
  const std::string path_ = folder_ / "notify";
  std::string log_;
  Timers timers_;
};

TEST_F(ServiceManagerTest, is_told_at_a_path_and_at_an_abstract_name) {
  for (const std::string& place : {path_, fmt::format("@forklift-test-{}", ::getpid())}) {
    const Receiver receiver(place);
    ::setenv("NOTIFY_SOCKET", place.c_str(), 1);
    ServiceManager manager(timers_);
    EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr) << "nobody else is to speak for the server";
    manager.say_ready("serving 1 app");
    EXPECT_EQ(receiver.take(), ready("serving 1 app"));
    manager.say_stopping("finishing what was asked");
    EXPECT_EQ(receiver.take(), "STOPPING=1\nSTATUS=finishing what was asked\n");
  }
  EXPECT_EQ(log_, "");
}

TEST_F(ServiceManagerTest, that_is_not_there_is_no_failure) {
  ServiceManager nobody(timers_);
  nobody.say_ready("x");
  EXPECT_EQ(log_, "");
  for (const char* place : {path_.c_str(), "", "vsock:2:1234"}) {
    log_.clear();
    ::setenv("NOTIFY_SOCKET", place, 1);
    ServiceManager gone(timers_);
    EXPECT_THAT(log_, HasSubstr("cannot be told")) << place;
    gone.say_ready("x");
    gone.start_watchdog();
  }
  EXPECT_EQ(timers_.next(), kNever);
}

TEST_F(ServiceManagerTest, that_does_not_listen_is_told_later_and_never_waited_for) {
  const Receiver receiver(path_);
  auto filler = Datagrams::connect(path_);
  ASSERT_TRUE(filler);
  ::setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  ServiceManager manager(timers_);
  while (filler->send("x") == 0) continue;
  manager.say_ready("a");
  manager.say_stopping("b");
  ASSERT_NE(timers_.next(), kNever);
  while (receiver.take() == "x") continue;
  timers_.run(timers_.next());
  EXPECT_EQ(receiver.take(), ready("a") + "STOPPING=1\nSTATUS=b\n");
  EXPECT_EQ(timers_.next(), kNever);
}

TEST_F(ServiceManagerTest, has_its_watchdog_fed_twice_a_period) {
  const Receiver receiver(path_);
  ::setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  ::setenv("WATCHDOG_USEC", "10000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  ServiceManager manager(timers_);
  EXPECT_EQ(std::getenv("WATCHDOG_USEC"), nullptr);
  EXPECT_EQ(receiver.take(), "") << "not before the loop runs";
  const TimePoint begin = Clock::now();
  manager.start_watchdog();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(receiver.take(), "WATCHDOG=1\n");
    EXPECT_EQ(receiver.take(), "");
    EXPECT_GE(timers_.next(), begin + seconds(5));
    EXPECT_LE(timers_.next(), Clock::now() + seconds(5));
    timers_.run(timers_.next());
  }
}

TEST(Watchdog, is_off_unless_it_is_asked_for_and_of_this_process) {
  EXPECT_EQ(watchdog_pause(nullptr, nullptr, 7), Duration::zero());
  EXPECT_EQ(watchdog_pause("2000000", nullptr, 7), seconds(1));
  EXPECT_EQ(watchdog_pause("2000000", "7", 7), seconds(1));
  EXPECT_EQ(watchdog_pause("2000000", "8", 7), Duration::zero());
  for (const char* nonsense : {"", "0", "-1", "x", "99999999999999999999", "9999999999999999999"}) {
    EXPECT_EQ(watchdog_pause(nonsense, nullptr, 7), Duration::zero()) << nonsense;
  }
}

}  // namespace
}  // namespace forklift::master
