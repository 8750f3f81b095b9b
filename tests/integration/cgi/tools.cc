#include "cgi/tools.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "harness/child.h"

namespace harness {
namespace {

class Program {
 public:
  Program(const Tools::Words& words, const std::string& folder, const Tools::Words& environment)
      : what_(fmt::format("{}", fmt::join(words, " "))) {
    Tools::Words command{"/usr/bin/env", "-C", folder};
    command.insert(command.end(), words.begin(), words.end());
    child_.start({.command = command, .environment = environment, .output = folder_ / "output"});
  }

  ExitStatus wait(milliseconds patience) { return child_.wait(patience); }
  std::string output() const { return read_file(folder_ / "output"); }
  const std::string& what() const { return what_; }

 private:
  TempDir folder_;
  std::string what_;
  Child child_;
};

}  // namespace

Tools::Tools() {
  std::filesystem::create_directory(folder_ / "home");
  environment_ = {"HOME=" + folder_ / "home",
                  "LC_ALL=C.UTF-8",
                  "USER=alice",
                  "GIT_CONFIG_NOSYSTEM=1",
                  "GIT_TERMINAL_PROMPT=0",
                  "HGRCPATH=",
                  "HGPLAIN=1",
                  "no_proxy=127.0.0.1",
                  "http_proxy="};
  // Repositories belong to whom the workers run as. Nothing of what is sent can be compressed: that it is tried takes
  // most of the time.
  write_file(folder_ / "home/.gitconfig",
             "[user]\nname = alice\nemail = alice@example.org\n[safe]\ndirectory = *\n[init]\ndefaultBranch = main\n"
             "[gc]\nauto = 0\n[maintenance]\nauto = false\n[core]\nbigFileThreshold = 100k\ncompression = 0\n"
             "[advice]\ndetachedHead = false\n[pull]\nrebase = false\n");
}

std::string Tools::run(const Words& words, const std::string& folder, milliseconds patience) const {
  Program program(words, folder, environment_);
  const ExitStatus status = program.wait(patience);
  EXPECT_EQ(status, ExitStatus::exited(0)) << program.what() << "\n" << program.output();
  return program.output();
}

std::string Tools::fails(const Words& words, const std::string& folder, milliseconds patience) const {
  Program program(words, folder, environment_);
  const ExitStatus status = program.wait(patience);
  EXPECT_EQ(status.kind, ExitStatus::Kind::kExited) << program.what() << "\n" << program.output();
  EXPECT_NE(status.value, 0) << program.what() << "\n" << program.output();
  return program.output();
}

void Tools::run_all(const std::vector<std::string>& scripts, const std::string& folder, milliseconds patience) const {
  std::vector<std::unique_ptr<Program>> programs;
  for (const std::string& script : scripts) {
    programs.push_back(std::make_unique<Program>(Words{"sh", "-e", "-c", script}, folder, environment_));
  }
  const Deadline deadline(patience);
  for (const auto& program : programs) {
    const ExitStatus status = program->wait(milliseconds(deadline.poll_timeout()));
    EXPECT_EQ(status, ExitStatus::exited(0)) << program->what() << "\n" << program->output();
  }
}

}  // namespace harness
