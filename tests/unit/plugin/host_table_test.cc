#include "plugin/host_table.h"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>
#include <vector>

#include "base/log.h"

namespace forklift::plugin {
namespace {

using config::Settings;

Settings scalar(std::string text, int line) {
  return {Settings::Kind::kScalar, std::move(text), {}, {"conf/app.yaml", line, 5}};
}

// greeting: Hello, empty: "", mounts: [{at: /a}, {at: /b}]
Settings example() {
  Settings mounts{Settings::Kind::kList, "", {}, {"conf/app.yaml", 10, 5}};
  for (int i = 0; i < 2; ++i) {
    Settings mount{Settings::Kind::kMap, "", {}, {"conf/app.yaml", 11 + i, 7}};
    mount.children.push_back({"at", scalar(i == 0 ? "/a" : "/b", 11 + i)});
    mounts.children.push_back({"", std::move(mount)});
  }
  Settings root{Settings::Kind::kMap, "", {}, {"conf/app.yaml", 7, 3}};
  root.children.push_back({"greeting", scalar(std::string("Hel\0lo", 6), 8)});
  root.children.push_back({"empty", scalar("", 9)});
  root.children.push_back({"mounts", std::move(mounts)});
  return root;
}

class HostTableTest : public testing::Test {
 protected:
  HostTableTest() {
    log::redirect([this](log::Level level, std::string_view line) {
      const std::lock_guard lock(mutex_);
      lines_.emplace_back(level, line);
    });
  }
  ~HostTableTest() override { log::redirect(nullptr); }

  std::string refusal(const char* setting, const char* reason) {
    table_.table()->refuse(table_.table(), setting, reason);
    return table_.refusal().value_or("none");
  }

  const Settings settings_ = example();
  HostTable table_{"shop", 3, settings_};
  const forklift_host* host_ = table_.table();
  const forklift_settings* tree_ = host_->settings;
  std::mutex mutex_;
  std::vector<std::pair<log::Level, std::string>> lines_;
};

TEST_F(HostTableTest, says_who_it_is) {
  EXPECT_EQ(host_->version.size, sizeof(forklift_host));
  EXPECT_EQ(host_->version.major, FORKLIFT_API_MAJOR);
  EXPECT_EQ(host_->version.minor, FORKLIFT_API_MINOR);
  EXPECT_EQ(tree_->version.size, sizeof(forklift_settings));
  EXPECT_STREQ(host_->app, "shop");
  EXPECT_EQ(host_->generation, 3U);
}

TEST_F(HostTableTest, services_are_found_by_their_whole_id) {
  EXPECT_EQ(host_->service(host_, "forklift.defer/1"), nullptr);
  const int defer = 1, stats = 2;
  table_.offer("forklift.defer/1", &defer);
  table_.offer("forklift.stats/1", &stats);
  EXPECT_EQ(host_->service(host_, "forklift.defer/1"), &defer);
  EXPECT_EQ(host_->service(host_, "forklift.stats/1"), &stats);
  for (const char* unknown : {"", "forklift.stats", "forklift.stats/", "forklift.stats/10", "forklift.stats/2", "x"}) {
    EXPECT_EQ(host_->service(host_, unknown), nullptr) << unknown;
  }
  EXPECT_EQ(host_->service(host_, nullptr), nullptr);
  EXPECT_EQ(host_->service(nullptr, "forklift.stats/1"), nullptr);
}

TEST_F(HostTableTest, settings_are_read_by_path) {
  size_t size = 99;
  EXPECT_STREQ(tree_->get(tree_, "mounts[1].at", &size), "/b");
  EXPECT_EQ(size, 2U);
  EXPECT_STREQ(tree_->get(tree_, "empty", nullptr), "");
  const char* greeting = tree_->get(tree_, "greeting", &size);
  EXPECT_EQ(std::string(greeting, size), std::string("Hel\0lo", 6)) << "a NUL in a setting survives";
  EXPECT_EQ(greeting[size], '\0');
  EXPECT_EQ(tree_->get(tree_, "mounts", &size), nullptr);
  EXPECT_EQ(size, 0U);
  EXPECT_EQ(tree_->get(tree_, "none", nullptr), nullptr);
}

TEST_F(HostTableTest, settings_are_counted_and_enumerated) {
  EXPECT_EQ(tree_->kind(tree_, ""), FORKLIFT_SETTING_MAP);
  EXPECT_EQ(tree_->kind(tree_, "greeting"), FORKLIFT_SETTING_TEXT);
  EXPECT_EQ(tree_->kind(tree_, "mounts"), FORKLIFT_SETTING_LIST);
  EXPECT_EQ(tree_->kind(tree_, "mounts[2]"), FORKLIFT_SETTING_NONE);
  EXPECT_EQ(tree_->count(tree_, ""), 3U);
  EXPECT_EQ(tree_->count(tree_, "mounts"), 2U);
  EXPECT_EQ(tree_->count(tree_, "greeting"), 0U);
  EXPECT_STREQ(tree_->name(tree_, "", 0), "greeting");
  EXPECT_STREQ(tree_->name(tree_, "", 2), "mounts");
  EXPECT_EQ(tree_->name(tree_, "", 3), nullptr);
  EXPECT_EQ(tree_->name(tree_, "mounts", 0), nullptr);
}

TEST_F(HostTableTest, wrong_arguments_hurt_nobody) {
  size_t size = 99;
  EXPECT_EQ(tree_->get(tree_, nullptr, &size), nullptr);
  EXPECT_EQ(size, 0U);
  EXPECT_EQ(tree_->get(nullptr, "greeting", nullptr), nullptr);
  EXPECT_EQ(tree_->kind(tree_, nullptr), FORKLIFT_SETTING_NONE);
  EXPECT_EQ(tree_->kind(tree_, "mounts[[["), FORKLIFT_SETTING_NONE);
  EXPECT_EQ(tree_->count(tree_, nullptr), 0U);
  EXPECT_EQ(tree_->name(tree_, nullptr, 0), nullptr);
  EXPECT_EQ(tree_->name(tree_, "", ~size_t{0}), nullptr);
  host_->log(host_, FORKLIFT_LOG_ERROR, nullptr);
  host_->log(nullptr, FORKLIFT_LOG_ERROR, "without a host");
  host_->refuse(nullptr, "greeting", "without a host");
  EXPECT_EQ(table_.refusal(), std::nullopt);
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0].second, "without a host");
}

TEST_F(HostTableTest, a_refusal_names_the_settings_place) {
  EXPECT_EQ(table_.refusal(), std::nullopt);
  EXPECT_EQ(refusal(nullptr, "no such table: orders"), "no such table: orders");
  EXPECT_EQ(refusal("mounts[1].at", "is mounted twice"),
            "conf/app.yaml:12:5: setting \"mounts[1].at\": is mounted twice");
  EXPECT_EQ(refusal("mounts[0].root", "is missing"), "conf/app.yaml:11:7: setting \"mounts[0].root\": is missing")
      << "the nearest node around it";
  EXPECT_EQ(refusal("salutation", "is missing"), "conf/app.yaml:7:3: setting \"salutation\": is missing");
  EXPECT_EQ(refusal("", "is odd"), "conf/app.yaml:7:3: settings: is odd");
  EXPECT_EQ(refusal(nullptr, nullptr), "no reason given");
  EXPECT_EQ(refusal("gree\nting", "two\nlines\x1b[31m\n"),
            "conf/app.yaml:7:3: setting \"gree\\nting\": two\\nlines\\x1b[31m");
  EXPECT_EQ(refusal(nullptr, std::string(5000, 'a').c_str()).size(), 1000U);
}

TEST_F(HostTableTest, a_refusal_without_settings_names_no_place) {
  const Settings none;
  HostTable bare("shop", 1, none);
  bare.table()->refuse(bare.table(), "root", "is missing");
  EXPECT_EQ(bare.refusal(), "setting \"root\": is missing");
}

TEST_F(HostTableTest, a_log_line_is_escaped_and_bounded) {
  host_->log(host_, FORKLIFT_LOG_INFO, "ready\n");
  host_->log(host_, FORKLIFT_LOG_WARNING, "two\nlines\x1b[2J");
  host_->log(host_, 42, "a level that there is not");
  host_->log(host_, FORKLIFT_LOG_ERROR, std::string(20000, 'a').c_str());
  host_->log(host_, FORKLIFT_LOG_ERROR, std::string(20000, '\x1b').c_str());
  ASSERT_EQ(lines_.size(), 5U);
  EXPECT_EQ(lines_[0], std::pair(log::Level::kInfo, std::string("ready")));
  EXPECT_EQ(lines_[1], std::pair(log::Level::kWarning, std::string("two\\nlines\\x1b[2J")));
  EXPECT_EQ(lines_[2].first, log::Level::kError);
  EXPECT_EQ(lines_[3].second, std::string(8000, 'a'));
  EXPECT_EQ(lines_[4].second.size(), 8000U);
  EXPECT_TRUE(lines_[4].second.ends_with("\\x1b")) << "no escape is cut";
}

TEST_F(HostTableTest, threads_of_the_plugin_may_log) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int line = 0; line < 250; ++line) host_->log(host_, FORKLIFT_LOG_INFO, "from a thread");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(lines_.size(), 1000U);
}

}  // namespace
}  // namespace forklift::plugin
