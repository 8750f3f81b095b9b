// The ten lines of README.md that replace fcgiwrap.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "harness/front.h"
#include "harness/http_request.h"
#include "harness/serve.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

// The first block of code in `language` behind "These lines replace fcgiwrap".
std::string readme_block(const std::string& language) {
  const std::string readme = read_file(source_file("README.md"));
  const std::string open = fmt::format("```{}\n", language);
  const auto begin = readme.find(open, readme.find("These lines replace fcgiwrap")) + open.size();
  return readme.substr(begin, readme.find("```", begin) - begin);
}

void replace(std::string& text, std::string_view what, const std::string& with) {
  const auto at = text.find(what);
  ASSERT_NE(at, text.npos) << what;
  text.replace(at, what.size(), with);
}

TEST(CgiReadme, TheLinesThatReplaceFcgiwrapServe) {
  const TempDir folder;
  fs::create_directory(folder / "cgi-bin");
  fs::copy_file(source_file("tests/integration/cgi/programs/page"), folder / "cgi-bin/page");
  const std::string socket = folder / "cgi.sock";

  std::string yaml = readme_block("yaml");
  replace(yaml, "build/release/plugins/cgi.so", plugin_file("cgi"));
  replace(yaml, "/run/forklift/cgi.sock", socket);
  replace(yaml, "/usr/lib/cgi-bin", folder / "cgi-bin");
  // Groups that this user is in, and a user who may look into the test's folder.
  replace(yaml, "group: www-data", fmt::format("group: {}", getegid()));
  replace(yaml, "user: www-data", fmt::format("user: {}", geteuid()));
  write_file(folder / "cgi.yaml", "runtime_dir: run\n" + yaml);
  Serve serve({.file = folder / "cgi.yaml", .output = folder / "log"});
  ASSERT_TRUE(serve.ready()) << serve.output();

  std::string location = readme_block("nginx");
  replace(location, "scgi_params", "/etc/nginx/scgi_params");
  replace(location, "/run/forklift/cgi.sock", socket);
  Front nginx(FrontKind::kNginx);
  std::string conf = read_file(source_file("conf/nginx.conf"));
  replace(conf, "location = / {", location + "location = / {");
  nginx.set_conf(conf);
  nginx.start({{"hello", Endpoint::parse("unix:" + socket)}});

  const Response page = fetch(nginx.endpoint(), HttpRequest::get("/cgi-bin/page"));
  EXPECT_TRUE(page.complete(200)) << page;
  EXPECT_EQ(page.body, "hello\n");
  serve.child().signal(SIGTERM);
  EXPECT_EQ(serve.child().wait(seconds(20)), ExitStatus::exited(0)) << serve.output();
}

}  // namespace
}  // namespace harness
