// Configurations that are right, and files that are none.
#include "config/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "folder.h"
#include "reading.h"

namespace forklift::config {

namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

std::vector<std::string> addresses(std::string_view listen) {
  std::vector<std::string> all;
  const Config config = good(app_on(listen));
  for (const App& app : config.apps) {
    for (const Listen& each : app.listen) all.push_back(each.address.to_string());
  }
  return all;
}

}  // namespace

TEST(Reader, FillsInTheDefaults) {
  const Config config = good("apps: [{name: hello, plugin: ../plugins/hello.so, listen: 4000}]\n");
  EXPECT_EQ(config.file, "/srv/conf/app.yaml");
  EXPECT_EQ(config.pid_file, "");
  EXPECT_EQ(config.reception_bytes, 64U * 1024 * 1024);
  EXPECT_EQ(config.log.file, "-");
  EXPECT_EQ(config.log.level, log::Level::kInfo);
  EXPECT_EQ(config.log.format, log::Format::kText);
  ASSERT_EQ(config.apps.size(), 1U);
  const App& app = config.apps[0];
  EXPECT_EQ(app.name, "hello");
  EXPECT_EQ(app.plugin, "/srv/plugins/hello.so");
  EXPECT_EQ(app.position.to_string(), "/srv/conf/app.yaml:1:8");
  ASSERT_EQ(app.listen.size(), 1U);
  EXPECT_EQ(app.listen[0].address.to_string(), "127.0.0.1:4000");
  EXPECT_EQ(app.listen[0].protocol, Protocol::kScgi);
  EXPECT_EQ(app.listen[0].backlog, 4096);
  EXPECT_EQ(app.listen[0].mode, 0660U);
  EXPECT_EQ(app.listen[0].owner, "");
  EXPECT_EQ(app.listen[0].group, "");
  EXPECT_EQ(app.listen[0].half_close, HalfClose::kAnswer);
  EXPECT_EQ(app.listen[0].position.to_string(), "/srv/conf/app.yaml:1:59");
  EXPECT_EQ(app.workers.min, 1U);
  EXPECT_EQ(app.workers.max, 5U);
  EXPECT_EQ(app.workers.idle_timeout, seconds(60));
  EXPECT_EQ(app.workers.max_requests, 0U);
  EXPECT_EQ(app.workers.jitter, 10U);
  EXPECT_EQ(app.workers.max_memory, 0U);
  EXPECT_EQ(app.limits.head, 64U * 1024);
  EXPECT_EQ(app.timeouts.request, seconds(60));
  EXPECT_EQ(app.timeouts.total, Duration::zero());
  EXPECT_EQ(app.queue.length, 1024U);
  EXPECT_EQ(app.queue.age, seconds(10));
  EXPECT_EQ(app.access_log.file, "");
  EXPECT_EQ(app.settings.kind, Settings::Kind::kMap);
  EXPECT_TRUE(app.settings.children.empty());
}

TEST(Reader, ReadsEveryKeyThatIsSupported) {
  const Config config = good(R"(%YAML 1.2
---
runtime_dir: run            # relative to the file
pid_file: run/pid
control: ../control
limits: { reception: 1M }
log: { file: ../log/forklift.log, level: warning, format: json }
apps:
  - name: shop-2_b
    plugin: /opt/shop.so
    listen:
      - { address: "127.0.0.1:0", protocol: scgi, backlog: 17, half_close: abort }
      - { address: unix:shop.sock, mode: "0666", owner: www-data, group: 33 }
    workers: { min: 0, max: 10000, idle_timeout: 0, max_requests: 1000, jitter: 50%, max_memory: 512M }
    limits: { head: 1M, body: 1G, body_rate: 0, connections: 123 }
    timeouts: { head: 250ms, body: 5m, write: 1h, request: 0, total: 2m, start: 1s, stop: 2s }
    queue: { length: 1, age: 0 }
    access_log: { file: ../log/shop.log, format: "$status ${uri}" }
    settings: { greeting: Hello }
)");
  EXPECT_EQ(config.runtime_dir, "/srv/conf/run");
  EXPECT_EQ(config.pid_file, "/srv/conf/run/pid");
  EXPECT_EQ(config.control, "/srv/control");
  EXPECT_EQ(config.reception_bytes, 1024U * 1024);
  EXPECT_EQ(config.log.file, "/srv/log/forklift.log");
  EXPECT_EQ(config.log.level, log::Level::kWarning);
  EXPECT_EQ(config.log.format, log::Format::kJson);
  ASSERT_EQ(config.apps.size(), 1U);
  const App& app = config.apps[0];
  EXPECT_EQ(app.name, "shop-2_b");
  EXPECT_EQ(app.plugin, "/opt/shop.so");
  ASSERT_EQ(app.listen.size(), 2U);
  EXPECT_EQ(app.listen[0].address.to_string(), "127.0.0.1:0");
  EXPECT_EQ(app.listen[0].backlog, 17);
  EXPECT_EQ(app.listen[0].half_close, HalfClose::kAbort);
  EXPECT_EQ(app.listen[1].mode, 0666U);
  EXPECT_EQ(app.listen[1].owner, "www-data");
  EXPECT_EQ(app.listen[1].group, "33");
  EXPECT_EQ(app.workers.min, 0U);
  EXPECT_EQ(app.workers.max, 10000U);
  EXPECT_EQ(app.workers.idle_timeout, Duration::zero());
  EXPECT_EQ(app.workers.max_requests, 1000U);
  EXPECT_EQ(app.workers.jitter, 50U);
  EXPECT_EQ(app.workers.max_memory, 512U * 1024 * 1024);
  EXPECT_EQ(app.limits.head, 1024U * 1024);
  EXPECT_EQ(app.limits.body, 1024U * 1024 * 1024);
  EXPECT_EQ(app.limits.body_rate, 0U);
  EXPECT_EQ(app.limits.connections, 123U);
  EXPECT_EQ(app.timeouts.head, milliseconds(250));
  EXPECT_EQ(app.timeouts.body, std::chrono::minutes(5));
  EXPECT_EQ(app.timeouts.write, std::chrono::hours(1));
  EXPECT_EQ(app.timeouts.request, Duration::zero());
  EXPECT_EQ(app.timeouts.total, std::chrono::minutes(2));
  EXPECT_EQ(app.timeouts.start, seconds(1));
  EXPECT_EQ(app.timeouts.stop, seconds(2));
  EXPECT_EQ(app.queue.length, 1U);
  EXPECT_EQ(app.queue.age, Duration::zero());
  EXPECT_EQ(app.access_log.file, "/srv/log/shop.log");
  EXPECT_FALSE(app.access_log.format.json);
  ASSERT_EQ(app.access_log.format.pieces.size(), 2U);
  EXPECT_EQ(app.access_log.format.pieces[1].field, AccessField::kUri);
  EXPECT_EQ(find(app.settings, "greeting")->scalar, "Hello");
}

TEST(Reader, UnderstandsEveryKindOfAddress) {
  EXPECT_THAT(addresses("4000"), ElementsAre("127.0.0.1:4000"));
  EXPECT_THAT(addresses("65535"), ElementsAre("127.0.0.1:65535"));
  EXPECT_THAT(addresses("0.0.0.0:80"), ElementsAre("0.0.0.0:80"));
  EXPECT_THAT(addresses("\"[0:0:0::1]:80\""), ElementsAre("[::1]:80"));
  EXPECT_THAT(addresses("\"[::]:80\""), ElementsAre("[::]:80"));
  EXPECT_THAT(addresses("unix:/run/app.sock"), ElementsAre("unix:/run/app.sock"));
  EXPECT_THAT(addresses("unix:../run/app.sock"), ElementsAre("unix:/srv/run/app.sock"));
  EXPECT_THAT(addresses("unix:/" + std::string(106, 's')), ElementsAre("unix:/" + std::string(106, 's')));
  EXPECT_THAT(addresses("systemd:web front"), ElementsAre("systemd:web front"));
  EXPECT_THAT(addresses("[4000, unix:a.sock, {address: 4001}]"),
              ElementsAre("127.0.0.1:4000", "unix:/srv/conf/a.sock", "127.0.0.1:4001"));
}

TEST(Reader, ListensOnBothFamiliesOfLocalhost) {
  EXPECT_THAT(addresses("localhost:4000"), ElementsAre("127.0.0.1:4000", "[::1]:4000"));
  EXPECT_THAT(addresses("localhost:0"), ElementsAre("127.0.0.1:0"));
  const Config config = good(app_on("{address: localhost:4000, backlog: 9}"));
  ASSERT_EQ(config.apps[0].listen.size(), 2U);
  EXPECT_EQ(config.apps[0].listen[1].backlog, 9);
}

TEST(Reader, KnowsTheServicesThatTakeTheLog) {
  for (const char* service : {"-", "syslog", "journal"}) {
    EXPECT_EQ(good("log: {file: \"" + std::string(service) + "\"}\n" + app_on("1")).log.file, service);
  }
  EXPECT_EQ(good("log: {file: ./syslog}\n" + app_on("1")).log.file, "/srv/conf/syslog") << "a file, for who wants one";
}

TEST(Reader, AllowsAddressesThatDoNotCollide) {
  EXPECT_EQ(addresses("[0, 0, \"127.0.0.1:0\"]").size(), 3U);
  EXPECT_EQ(addresses("[127.0.0.1:80, 127.0.0.2:80, \"[::1]:80\", 0.0.0.0:81]").size(), 4U);
  // The families are apart: a listener on [::] takes IPv6 only.
  EXPECT_EQ(addresses("[0.0.0.0:80, \"[::]:80\"]").size(), 2U);
}

TEST(Reader, LetsAppsShareWhatIsBehindAnAnchor) {
  const Config config = good(
      "apps:\n"
      "  - {name: a, plugin: a.so, listen: 1, limits: &small {head: 1K}}\n"
      "  - {name: b, plugin: b.so, listen: 2, limits: *small}\n");
  ASSERT_EQ(config.apps.size(), 2U);
  EXPECT_EQ(config.apps[1].limits.head, 1024U);
}

TEST(Reader, TakesWindowsLineEndsAndAByteOrderMark) {
  const Config config = good(
      "\xef\xbb\xbf"
      "apps:\r\n  - name: 'a'\r\n    plugin: \"a.so\"\r\n    listen: 4000\r\n");
  ASSERT_EQ(config.apps.size(), 1U);
  EXPECT_EQ(config.apps[0].plugin, "/srv/conf/a.so");
}

TEST(Reader, ReadsAFileAndTakesItsRealPath) {
  const Folder folder;
  fs::create_directory(folder / "real");
  folder.write("real/app.yaml", app_on("4000"));
  fs::create_symlink("real/app.yaml", folder / "link.yaml");

  const auto config = read_file(folder / "link.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->file, folder / "real/app.yaml");
  EXPECT_EQ(config->apps[0].plugin, folder / "real/a.so");
  EXPECT_EQ(config->runtime_dir, read_file(folder / "real/app.yaml")->runtime_dir);
  // People look for the place under the name that they gave.
  EXPECT_EQ(config->apps[0].position.file, folder / "link.yaml");
}

TEST(Reader, SaysWhyAFileCannotBeRead) {
  const Folder folder;
  const std::string missing = folder / "missing.yaml";
  EXPECT_EQ(verdict_on_file(missing), missing + ": cannot be opened: No such file or directory");

  const std::string directory = folder / "conf.d";
  fs::create_directory(directory);
  EXPECT_EQ(verdict_on_file(directory), directory + ": is a directory; name the YAML file in it");

  // Nobody writes into it: this must not wait.
  const std::string fifo = folder / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(verdict_on_file(fifo), fifo + ": is not a regular file");
  EXPECT_EQ(verdict_on_file("/dev/zero"), "/dev/zero: is not a regular file");

  const std::string empty = folder.write("empty.yaml", "");
  EXPECT_EQ(verdict_on_file(empty), empty + ": is empty; at least \"apps:\" is needed");

  const std::string loop = folder / "loop.yaml";
  fs::create_symlink("loop.yaml", loop);
  EXPECT_EQ(verdict_on_file(loop), loop + ": cannot be opened: Too many levels of symbolic links");
}

TEST(Reader, TakesAMebibyteAndNoByteMore) {
  const Folder folder;
  const std::string text = app_on("4000");
  const auto padded = [&](std::size_t bytes) { return text + std::string(bytes - text.size(), '#'); };
  EXPECT_EQ(verdict_on_file(folder.write("full.yaml", padded(1024 * 1024))), "fine");
  const std::string over = folder.write("over.yaml", padded(1024 * 1024 + 1));
  EXPECT_EQ(verdict_on_file(over), over + ": has more than 1048576 bytes");
}

}  // namespace forklift::config
