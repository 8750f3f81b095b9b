// No line of a plugin runs in the master, whatever becomes of its workers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <set>
#include <sstream>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

// What the fixture tells_where_it_runs has written: the pids by the piece of it that ran there.
std::map<std::string, std::multiset<pid_t>> pids_by_piece(const std::string& log) {
  std::map<std::string, std::multiset<pid_t>> result;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    char piece[20];
    int pid = 0;
    unsigned uid = 0;
    if (std::sscanf(line.c_str() + std::min(line.find("fixture: "), line.size()), "fixture: %19s in pid %d uid %u",
                    piece, &pid, &uid) != 3)
      continue;
    result[piece].insert(pid);
    EXPECT_EQ(uid, geteuid()) << line;
  }
  return result;
}

TEST(MasterClean, PluginsRunInWorkersAlone) {
  Server server({{.name = "good", .plugin = fixture_file("tells_where_it_runs"), .more = "workers: {min: 2, max: 2}\n"},
                 {.name = "bad", .plugin = fixture_file("tells_where_it_runs"), .more = "settings: {refuse: yes}\n"}});
  server.expect_error("app \"good\" generation 1 worker * died of signal 9 (Killed) while idle");
  server.expect_error("app \"bad\": generation * failed at CREATED: create failed and gave no reason");
  server.expect_error("app \"bad\": degraded: no worker lives and the last one could not start; answering 503");
  server.expect_workers("bad", 0);
  server.start();
  const pid_t master = server.pid();
  const auto answered = [&] { return fetch(server.listener("good"), ScgiRequest::get("/")).complete(200); };
  EXPECT_TRUE(answered());
  ASSERT_TRUE(eventually([&] { return pids_by_piece(server.log())["create"].size() >= 4; })) << "two good, two bad";
  const pid_t first = *pids_by_piece(server.log())["produce"].begin();
  ASSERT_TRUE(eventually([&] { return is_asleep(first); }));
  server.signal_worker(first, SIGKILL);
  ASSERT_TRUE(wait_until_gone(first));
  EXPECT_TRUE(answered());
  EXPECT_THAT(read_file("/proc/" + std::to_string(master) + "/maps"), testing::Not(testing::HasSubstr("tells_where")));
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));

  const auto told = pids_by_piece(server.log());
  for (const auto& [piece, pids] : told) {
    EXPECT_EQ(pids.count(master), 0u) << piece << " has run in the master";
    EXPECT_EQ(pids.count(getpid()), 0u);
  }
  for (const pid_t pid : told.at("create")) {
    EXPECT_EQ(told.at("constructor").count(pid), 1u) << "each worker opens the plugin once, for itself";
    EXPECT_EQ(told.at("create").count(pid), 1u);
  }
  EXPECT_EQ(told.at("produce").size(), 2u);
  EXPECT_EQ(told.at("destroy").size(), 2u) << "the two workers that were there at the stop";
  EXPECT_EQ(told.count("destructor"), 0u) << "a worker leaves with _exit";
}

}  // namespace
}  // namespace harness
