// The log in the hands of syslog or the journal, which for these tests is a socket of the test's own.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "harness/scgi_request.h"
#include "harness/server.h"
#include "unit/base/receiver.h"

namespace harness {
namespace {

using forklift::Receiver;
using testing::HasSubstr;
using testing::StartsWith;

class ServiceLog : public testing::TestWithParam<const char*> {
 protected:
  ServiceLog()
      : server_({{.name = "app", .plugin = plugin_file("hello"), .listen = {"unix:app.sock"}}},
                fmt::format("log: {{file: {}}}\n", GetParam())) {
    server_.preload("services");
    server_.add_environment("SHIM_SERVICE=" + service_path());
  }

  std::string service_path() const { return folder_ / "service"; }

  // The next line with this text in it; empty if none comes.
  static std::string line_with(const Receiver& service, std::string_view text) {
    std::string line;
    eventually([&] {
      do line = service.take();
      while (!line.empty() && line.find(text) == line.npos);
      return !line.empty();
    });
    return line;
  }

  std::string priority(int severity) const {
    const int daemon = 3 * 8;
    return std::string(GetParam()) == "syslog" ? fmt::format("<{}>", daemon + severity)
                                               : fmt::format("PRIORITY={}\n", severity);
  }

  TempDir folder_;
  Server server_;
};

INSTANTIATE_TEST_SUITE_P(Of, ServiceLog, testing::Values("syslog", "journal"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(ServiceLog, HasTheServersLines) {
  const Receiver service(service_path());
  server_.launch();
  EXPECT_THAT(line_with(service, "READY: app \"app\" on unix:"), StartsWith(priority(6)));
  EXPECT_TRUE(fetch(Endpoint::parse("unix:" + server_.folder() / "app.sock"), ScgiRequest::get("/")).complete(200));
  server_.remember_rest();

  // Another one has its place, and the old one still takes lines.
  std::filesystem::remove(service_path());
  const Receiver next(service_path());
  server_.signal(SIGUSR1);
  EXPECT_EQ(server_.stop(), ExitStatus::exited(0));
  EXPECT_THAT(line_with(next, "stopping"), testing::AllOf(StartsWith(priority(6)), HasSubstr("signal 15 (TERM)")));
  EXPECT_EQ(server_.log(), "") << "standard error has nothing of it";
}

TEST_P(ServiceLog, ThatIsNotThereIsNoStart) {
  server_.launch();
  EXPECT_EQ(server_.wait(), ExitStatus::exited(1));
  EXPECT_THAT(server_.log(), StartsWith("forklift: log: connect to "));
  EXPECT_THAT(server_.log(), HasSubstr("running here? log.file can also be \"-\" or a path"));
}

}  // namespace
}  // namespace harness
