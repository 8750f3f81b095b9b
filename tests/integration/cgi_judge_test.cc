// The same programs and requests by Apache's mod_cgi and by the plugin `cgi` behind the same Apache: the answers are
// the same, or the difference stands with its reason in cgi/known-differences. Those that stand there have to show.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <set>
#include <thread>
#include <vector>

#include "cgi/differences.h"
#include "cgi/judge_cases.h"
#include "harness/front.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

using testing::IsEmpty;

// Longer than Apache's `Timeout` and ours.
constexpr milliseconds kAnswerPatience = seconds(60);

const std::string kPrograms = "tests/integration/cgi/programs";

std::vector<Difference> known_differences() {
  return read_known_differences(read_file(source_file("tests/integration/cgi/known-differences")));
}

class CgiJudge : public testing::Test {
 protected:
  CgiJudge() {
    // Programs that git cannot keep: without execute permission, and links that lead out.
    fs::copy(source_file(kPrograms), programs(), fs::copy_options::recursive);
    fs::permissions(programs() + "/not_executable", fs::perms::owner_read | fs::perms::owner_write);
    fs::create_directory(folder_ / "out");
    for (const char* outside : {"outside", "out/outside"}) {
      fs::copy_file(programs() + "/page", folder_ / outside);
    }
    fs::create_symlink("../outside", programs() + "/link_out");
    fs::create_directory_symlink("../out", programs() + "/folder_out");
  }

  void TearDown() override {
    if (!HasFailure()) return;
    fmt::print("---- the judge's log ----\n{}---- our Apache's log ----\n{}", judge_.log(), ours_.log());
  }

  // Asks all of a group, several at a time, and compares.
  void judge(CaseGroup group) {
    start(group);
    std::vector<const JudgeCase*> cases;
    for (const JudgeCase& one : judge_cases()) {
      if (one.group == group) cases.push_back(&one);
    }
    std::vector<std::vector<Difference>> found(cases.size());
    std::vector<std::string> secrets(cases.size());
    std::atomic<std::size_t> next = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back([&] {
        for (std::size_t at = next++; at < cases.size(); at = next++) {
          const JudgeCase& one = *cases[at];
          const Response theirs = fetch(judge_.endpoint(), one.request, kAnswerPatience);
          const Response own = fetch(ours_.endpoint(), one.request, kAnswerPatience);
          found[at] = compare(one.name, theirs, own, one.is_servers_page);
          // What such a program has written is for the log.
          if (one.is_servers_page && own.body.find("SECRET") != own.body.npos) secrets[at] = one.name;
        }
      });
    }
    for (std::thread& client : clients) client.join();
    std::erase(secrets, "");
    EXPECT_THAT(secrets, IsEmpty());
    expect_known(cases, found);
  }

 private:
  std::string programs() const { return folder_ / "cgi-bin"; }

  void start(CaseGroup group) {
    const int timeout = group == CaseGroup::kHanging ? 8 : 30;  // seconds
    server_.emplace(std::vector<App>{{.name = "cgi",
                                      .plugin = plugin_file("cgi"),
                                      .more = fmt::format("workers: {{min: 4, max: 4}}\n"
                                                          "settings:\n"
                                                          "  mounts: [{{at: /cgi-bin, root: {}}}]\n"
                                                          "  timeout: {}s\n"
                                                          "  grace: 1s\n",
                                                          programs(), timeout)}});
    for (const JudgeCase& one : judge_cases()) {
      if (one.group == group && !one.error.empty()) server_->expect_error(one.error);
    }
    server_->start();
    const std::string conf = fmt::format("Define timeout {}\nDefine programs {}\n", timeout, programs()) +
                             read_file(source_file("tests/integration/cgi/judge-apache.conf"));
    judge_.set_conf("Define judge yes\n" + conf);
    ours_.set_conf(conf);
    const Upstreams upstreams{{"cgi", server_->listener("cgi")}};
    judge_.start(upstreams);
    ours_.start(upstreams);
  }

  static void expect_known(const std::vector<const JudgeCase*>& cases,
                           const std::vector<std::vector<Difference>>& found) {
    std::vector<Difference> known = known_differences();
    for (std::size_t i = 0; i < cases.size(); ++i) {
      for (const Difference& difference : found[i]) {
        const auto at = std::find_if(known.begin(), known.end(),
                                     [&](const Difference& one) { return is_known_as(difference, one); });
        if (at == known.end()) {
          ADD_FAILURE() << "not known: " << difference;
        } else {
          known.erase(at);
        }
      }
      for (const Difference& left : known) {
        EXPECT_TRUE(left.optional || left.name != cases[i]->name) << "known, and no longer there: " << left;
      }
    }
  }

  const TempDir folder_;
  std::optional<Server> server_;
  Front judge_{FrontKind::kApache};
  Front ours_{FrontKind::kApache};
};

TEST_F(CgiJudge, AgreesOnHeaders) {
  judge(CaseGroup::kHeaders);
}

TEST_F(CgiJudge, AgreesOnStatuses) {
  judge(CaseGroup::kStatuses);
}

TEST_F(CgiJudge, AgreesOnBodies) {
  judge(CaseGroup::kBodies);
}

TEST_F(CgiJudge, AgreesOnWhatProgramsAreTold) {
  judge(CaseGroup::kRequests);
}

TEST_F(CgiJudge, AgreesOnProcesses) {
  judge(CaseGroup::kProcesses);
}

TEST_F(CgiJudge, AgreesOnBadPrograms) {
  judge(CaseGroup::kBad);
}

TEST_F(CgiJudge, AgreesOnProgramsThatHang) {
  judge(CaseGroup::kHanging);
}

TEST(CgiJudgeCases, HaveNamesOfTheirOwnAndAskEachProgram) {
  std::set<std::string> names;
  std::set<std::string> asked;
  for (const JudgeCase& one : judge_cases()) {
    EXPECT_TRUE(names.insert(one.name).second) << one.name;
    asked.insert(one.program);
  }
  for (const auto& entry : fs::recursive_directory_iterator(source_file(kPrograms))) {
    if (!entry.is_regular_file()) continue;
    const std::string program = fs::relative(entry.path(), source_file(kPrograms));
    EXPECT_TRUE(asked.contains(program)) << program;
  }
  for (const Difference& known : known_differences()) EXPECT_TRUE(names.contains(known.name)) << known;
}

}  // namespace
}  // namespace harness
