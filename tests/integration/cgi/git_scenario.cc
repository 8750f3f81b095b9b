#include "cgi/git_scenario.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

namespace harness {
namespace {

namespace fs = std::filesystem;

using testing::HasSubstr;

// Packs of 50 MB, on a machine that runs other tests too.
constexpr milliseconds kGitPatience = seconds(120);

std::string random_bytes(std::uint64_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    const std::uint64_t word = random();
    bytes.replace(i, 8, reinterpret_cast<const char*>(&word), 8);
  }
  return bytes;
}

// For git-fast-import(1): `commits` on main, named for `what`, each with a file of its own and one that always changes.
std::string history(int commits, std::string_view what) {
  std::string text;
  for (int i = 1; i <= commits; ++i) {
    text += fmt::format("commit refs/heads/main\ncommitter alice <alice@example.org> {} +0000\n", 1'600'000'000 + i);
    const std::string message = fmt::format("{} {}\n", what, i);
    text += fmt::format("data {}\n{}", message.size(), message);
    text += fmt::format("M 100644 inline files/{}/{}\ndata {}\n{}\n", i % 20, i, message.size(), message);
    text += fmt::format("M 100644 inline counter\ndata {}\n{}\n", message.size(), message);
  }
  return text + "done\n";
}

}  // namespace

GitScenario::GitScenario(FrontRoad road, const GitSizes& sizes) : sizes_(sizes), site_(road) {
  const std::string bare = site_.srv() + "/git/shop.git";
  tools_.run({"git", "init", "-q", "--bare", bare}, "/");
  tools_.run({"git", "config", "uploadpack.allowFilter", "true"}, bare);
  site_.start();
  // mod_proxy_scgi takes no chunks; see conf/cgi-apache.conf.
  if (road.front == FrontKind::kApache) tools_.run({"git", "config", "--global", "http.postBuffer", "1g"}, "/");
  make_history();
}

std::string GitScenario::path(const std::string& name) const {
  return tools_.folder() / name;
}

std::string GitScenario::git(const std::string& clone, const std::string& words) const {
  return tools_.run({"sh", "-c", "exec git " + words}, clone, kGitPatience);
}

void GitScenario::make_history() {
  const std::string source = path("source");
  write_file(path("history"), history(sizes_.commits, "commit"));
  tools_.run({"git", "init", "-q", source}, "/");
  git(source, "fast-import --quiet --done <../history");
  git(source, "checkout -q main");
  git(source, "remote add origin " + url_of_alice());
}

void GitScenario::run() {
  work_ = path(fmt::format("round-{}", ++round_));
  fs::create_directory(work_);
  push_all();
  clone_and_compare();
  exchange();
  clone_parts();
  many_clients();
  if (!testing::Test::HasFailure()) fs::remove_all(work_);
}

void GitScenario::push_all() {
  const std::string source = path("source");
  // The first time all of the history, and later a file that no pack can make smaller.
  EXPECT_THAT(tools_.fails({"git", "push", site_.url("/git/shop.git"), "main"}, source), HasSubstr("could not read"));
  git(source, "push -q origin main:main");
  write_file(source + "/large", random_bytes(sizes_.bytes, static_cast<std::uint64_t>(round_)));
  git(source, "add large");
  git(source, "commit -q -m large");
  git(source, "push -q origin main:main");
  git(source, fmt::format("push -q origin main:refs/heads/main-{}", round_));
}

void GitScenario::clone_and_compare() {
  git(work_, "clone -q " + url_of_alice() + " one");
  git(work_, "clone -q -c protocol.version=0 " + url_of_alice() + " other");
  for (const char* clone : {"/one", "/other"}) {
    EXPECT_EQ(git(work_ + clone, "rev-parse HEAD"), git(path("source"), "rev-parse HEAD"));
    git(work_ + clone, "fsck --full --strict");
    EXPECT_TRUE(read_file(work_ + clone + "/large") == read_file(path("source") + "/large"));
  }
}

void GitScenario::exchange() {
  const std::string one = work_ + "/one";
  const std::string other = work_ + "/other";
  git(one, "commit -q --allow-empty -m from-one");
  git(one, "push -q origin main:main");
  git(other, "fetch -q origin");
  EXPECT_EQ(git(other, "rev-parse origin/main"), git(one, "rev-parse main"));
  // Who has a history of its own has to find out that there is nothing in common: by questions of many lines, which git
  // compresses.
  const std::string stranger = work_ + "/stranger";
  write_file(work_ + "/own", history(300, "stranger"));
  tools_.run({"git", "init", "-q", stranger}, "/");
  git(stranger, "fast-import --quiet --done <../own");
  const std::string trace = work_ + "/trace";
  tools_.run({"env", "GIT_TRACE_CURL=" + trace, "GIT_TRACE_CURL_NO_DATA=1", "git", "fetch", "-q", url(), "main"},
             stranger, kGitPatience);
  EXPECT_THAT(read_file(trace), HasSubstr("Content-Encoding: gzip"));
  EXPECT_EQ(git(stranger, "rev-parse FETCH_HEAD"), git(one, "rev-parse main"));
  // The source follows, for the next round.
  git(path("source"), "pull -q --ff-only origin main");
}

void GitScenario::clone_parts() {
  git(work_, "clone -q --depth 3 " + url() + " shallow");
  EXPECT_EQ(git(work_ + "/shallow", "rev-list --count HEAD"), "3\n");
  git(work_ + "/shallow", "fetch -q --unshallow");
  EXPECT_EQ(git(work_ + "/shallow", "rev-list --count HEAD"), git(path("source"), "rev-list --count main"));
  git(work_, "clone -q --filter=blob:none " + url() + " partial");
  EXPECT_EQ(git(work_ + "/partial", "rev-parse HEAD"), git(path("source"), "rev-parse main"));
  // Files of the past are fetched when they are asked for.
  EXPECT_EQ(git(work_ + "/partial", "show main~3:counter"), git(path("source"), "show main~3:counter"));
}

void GitScenario::many_clients() {
  std::vector<std::string> scripts;
  for (int i = 0; i < sizes_.clients; ++i) {
    const std::string branch = fmt::format("client-{}-{}", round_, i);
    std::string script =
        fmt::format("git clone -q --single-branch -b main {} many-{}\ncd many-{}\ngit checkout -q -b {}\n",
                    url_of_alice(), i, i, branch);
    for (int round = 0; round < sizes_.rounds; ++round) {
      script += fmt::format(
          "head -c 20000 /dev/urandom >file-{0}\ngit add file-{0}\ngit commit -q -m file-{0}\n"
          "git push -q origin {1}\ngit fetch -q origin '+refs/heads/*:refs/remotes/origin/*'\n"
          "test \"$(git rev-parse HEAD)\" = \"$(git rev-parse origin/{1})\"\n",
          round, branch);
    }
    scripts.push_back(script + "git fsck --full\n");
  }
  tools_.run_all(scripts, work_, 2 * kGitPatience);
}

void GitScenario::check_repository() {
  const std::string bare = site_.srv() + "/git/shop.git";
  EXPECT_THAT(git(bare, "fsck --full --strict"), testing::Not(HasSubstr("missing")));
  EXPECT_EQ(git(bare, "for-each-ref --format='%(objectname)\t%(refname)'"), git(bare, "ls-remote -q --refs " + url()));
  EXPECT_EQ(git(bare, "rev-parse refs/heads/main"), git(path("source"), "rev-parse main"));
  // A clone of everything has the same refs, and each object.
  git(path("."), "clone -q --mirror " + url() + " mirror");
  EXPECT_EQ(git(bare, "for-each-ref"), git(path("mirror"), "for-each-ref"));
  git(path("mirror"), "fsck --full --strict");
}

}  // namespace harness
