// memfd_create is missing: the image becomes a file. And writing the image fails: the log says so at its step, and the
// next try is another image.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "harness/faults.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

// An app whose file the test may write to, and one that is well.
class ImageFaults : public testing::Test {
 protected:
  ImageFaults()
      : plugin_(folder_ / "plugin.so"),
        server_({{.name = "app", .plugin = plugin_, .more = "workers: {min: 1, max: 1}\n"},
                 {.name = "good", .plugin = plugin_file("hello")}}),
        faults_(server_) {}

  void install(const char* fixture) {
    std::filesystem::copy_file(fixture_file(fixture), plugin_, std::filesystem::copy_options::overwrite_existing);
  }
  Response ask(const std::string& app, const std::string& uri = "/") {
    return fetch(server_.listener(app), ScgiRequest::get(uri));
  }

  TempDir folder_;
  std::string plugin_;
  Server server_;
  Faults faults_;
};

class NoMemfd : public ImageFaults, public testing::WithParamInterface<int> {};

INSTANTIATE_TEST_SUITE_P(By, NoMemfd, testing::Values(ENOSYS, EPERM, EMFILE, ENFILE, ENOMEM), error_name);

TEST_P(NoMemfd, MakesTheImageAFileThatNobodyCanOverwrite) {
  server_.expect_error("exited with status 0 with GET \"/leave\"");
  install("version_one");
  faults_.fail(SHIM_MEMFD_CREATE, GetParam());
  server_.start();
  EXPECT_EQ(ask("app").body, "one");
  install("version_two");
  EXPECT_EQ(ask("app").body, "one");
  EXPECT_TRUE(ask("app", "/leave").complete(502));
  EXPECT_EQ(ask("app").body, "one") << "the next worker opens the same image";
}

class NoSpace : public ImageFaults, public testing::WithParamInterface<int> {};

INSTANTIATE_TEST_SUITE_P(By, NoSpace, testing::Values(ENOSPC, EIO, ENOMEM), error_name);

TEST_P(NoSpace, ForTheImageIsAFailureOfItsStepAndTheNextTryAFreshOne) {
  // Without its file the app waits for the fault.
  server_.expect_error("app \"app\": generation * failed at IMAGED: open * No such file or directory");
  server_.expect_error("app \"app\": degraded: no worker lives and the last one could not start; answering 503");
  server_.expect_workers("app", 0);
  server_.start();
  server_.expect_error(
      fmt::format("app \"app\": generation * failed at IMAGED: write the image: {}", strerrordesc_np(GetParam())));
  faults_.fail(SHIM_PWRITE, GetParam(), {.count = 1, .places = SHIM_WORKERS});
  install("version_one");
  // The backoff is 5 s at most.
  EXPECT_TRUE(eventually([&] { return ask("app").body == "one"; }, seconds(15)));
  EXPECT_EQ(faults_.failed(SHIM_PWRITE), 1u);
  EXPECT_TRUE(ask("good").complete(200));
  server_.expect_workers("app", 1);
}

TEST_F(ImageFaults, AnInterruptedWriteGoesOn) {
  install("version_one");
  faults_.fail(SHIM_PWRITE, EINTR, {.count = 5, .places = SHIM_WORKERS});
  server_.start();
  EXPECT_EQ(ask("app").body, "one");
  EXPECT_EQ(faults_.failed(SHIM_PWRITE), 5u);
}

}  // namespace
}  // namespace harness
