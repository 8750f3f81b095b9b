// What of a reload has failed and is no app's failure: a note says so, and so does the exit status of the command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "harness/command.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;

App noted_app(const std::string& mode) {
  return {.name = "app",
          .plugin = plugin_file("hello"),
          .listen = {"{address: \"unix:app.sock\", mode: \"" + mode + "\"}"}};
}

TEST(ReloadNote, OfASocketWhoseModeCannotBeChangedIsAFailure) {
  Server server({noted_app("0660")});
  server.start();
  const std::string path = server.folder() / "app.sock";
  std::filesystem::rename(path, path + ".aside");
  write_file(path, "somebody's");
  server.configure({noted_app("0600")});
  server.expect_error("something else has taken the path of this socket; it stays as it was");
  Command failed("reload", server);
  EXPECT_EQ(failed.wait(), kFailed);
  EXPECT_THAT(failed.output(), HasSubstr("note: app \"app\": listen on unix:" + path + ": something else has taken"));
  EXPECT_THAT(failed.output(), testing::Not(HasSubstr("nothing has changed")));
  std::filesystem::rename(path + ".aside", path);
  Command good("reload", server);
  EXPECT_EQ(good.wait(), kGood) << good.output();
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/")).complete(200));
}

TEST(ReloadNote, OfALogThatCannotBeOpenedIsAFailure) {
  Server server({noted_app("0660")});
  server.start();
  const std::string before = read_file(server.config_file());
  server.spoil_config(before + "log: {file: none/log}\n");
  server.expect_error("reload: log: open *none/log: No such file or directory; the log stays as it was");
  Command failed("reload", server);
  EXPECT_EQ(failed.wait(), kFailed);
  EXPECT_THAT(failed.output(), HasSubstr("the log stays as it was"));
  server.spoil_config(before);
}

// That was written into the file for the next start, and the reload has nothing to do with it.
TEST(ReloadNote, OfWhatTakesARestartIsNone) {
  Server server({noted_app("0660")});
  server.start();
  const std::string before = read_file(server.config_file());
  server.spoil_config(before + "pid_file: pid\n");
  Command good("reload", server);
  EXPECT_EQ(good.wait(), kGood);
  EXPECT_THAT(good.output(), HasSubstr("note: pid_file cannot be changed without a restart"));
  server.spoil_config(before);
}

}  // namespace
}  // namespace harness
