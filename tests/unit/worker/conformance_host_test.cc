// forklift/testing.hpp is what the server is: the host's table and the settings.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "ipc/page.h"
#include "plugin/host_table.h"
#include "plugin/stats_table.h"

#include <forklift/testing.hpp>

namespace forklift::worker {
namespace {

namespace fake = ::forklift::testing;
using Node = config::Settings;

Node text(std::string text) {
  return {Node::Kind::kScalar, std::move(text), {}, {}};
}

// {title: Books, empty: "", nothing: {}, none: [], shelves: [{id: a1}, {id: a2}], "a.b": {"c[0]": d}}
Node real_tree() {
  Node shelves{Node::Kind::kList, "", {}, {}};
  for (const char* id : {"a1", "a2"}) {
    Node shelf{Node::Kind::kMap, "", {}, {}};
    shelf.children.push_back({"id", text(id)});
    shelves.children.push_back({"", std::move(shelf)});
  }
  Node dotted{Node::Kind::kMap, "", {}, {}};
  dotted.children.push_back({"c[0]", text("d")});
  Node root{Node::Kind::kMap, "", {}, {}};
  root.children.push_back({"title", text("Books")});
  root.children.push_back({"empty", text("")});
  root.children.push_back({"nothing", {Node::Kind::kMap, "", {}, {}}});
  root.children.push_back({"none", {Node::Kind::kList, "", {}, {}}});
  root.children.push_back({"shelves", std::move(shelves)});
  root.children.push_back({"a.b", std::move(dotted)});
  return root;
}

fake::Settings fake_tree() {
  return fake::Settings({{"title", "Books"}, {"empty", ""}})
      .map("nothing")
      .list("none")
      .set("shelves[0].id=a1")
      .set("shelves[1].id", "a2")
      .set("\"a.b\".\"c[0]\"=d");
}

std::string all_of(const forklift_settings* settings, const char* path) {
  std::size_t size = 77;
  const char* found = settings->get(settings, path, &size);
  std::string all = std::to_string(settings->kind(settings, path)) + " " + (found == nullptr ? "(none)" : found) + " " +
                    std::to_string(size) + " " + std::to_string(settings->count(settings, path));
  for (std::size_t i = 0; i < 7; ++i) {
    const char* name = settings->name(settings, path, i);
    all.append(" ").append(name == nullptr ? "(none)" : name);
  }
  return all;
}

class HostConformance : public ::testing::Test {
 protected:
  HostConformance() {
    log::redirect([this](log::Level level, std::string_view line) {
      lines_.push_back({static_cast<int>(level), std::string(line)});
    });
  }
  ~HostConformance() override { log::redirect(nullptr); }

  std::vector<fake::LogLine> lines_;
  const Node tree_ = real_tree();
  plugin::HostTable real_{"shop", 7, tree_};
  const fake::HostTable fake_{fake::Host(fake_tree()).app("shop").generation(7)};
};

TEST_F(HostConformance, says_where_it_is) {
  EXPECT_STREQ(fake_.app, real_.table()->app);
  EXPECT_EQ(fake_.generation, real_.table()->generation);
  EXPECT_EQ(fake_.version.size, real_.table()->version.size);
  EXPECT_EQ(fake_.service(&fake_, "none/1"), real_.table()->service(real_.table(), "none/1"));
  EXPECT_EQ(fake_.service(&fake_, nullptr), nullptr);
}

TEST_F(HostConformance, finds_the_same_settings) {
  for (const char* path : {"",
                           "title",
                           "empty",
                           "nothing",
                           "none",
                           "none[0]",
                           "shelves",
                           "shelves[0]",
                           "shelves[1].id",
                           "shelves[2]",
                           "shelves[01]",
                           "shelves[-1]",
                           "shelves[",
                           "shelves[]",
                           "shelves.id",
                           "\"a.b\"",
                           "\"a.b\".\"c[0]\"",
                           "a.b",
                           "\"a.b",
                           "title.x",
                           "title[0]",
                           ".title",
                           "title.",
                           "\"title\"",
                           "shelves[0]id",
                           "shelves[0].\"id\"",
                           "[0]",
                           "x"}) {
    EXPECT_EQ(all_of(fake_.settings, path), all_of(real_.table()->settings, path)) << path;
  }
  EXPECT_EQ(fake_.settings->kind(fake_.settings, nullptr), FORKLIFT_SETTING_NONE);
}

TEST_F(HostConformance, logs_the_same_lines) {
  const std::string harmless = "caf\xc3\xa9 \"quoted\" \\";
  for (const auto& [level, line] : std::vector<std::pair<int, std::string>>{
           {1, "plain"},
           {2, "with an end\n"},
           {3, "two\nlines\n\n"},
           {0, "\x1b[31m\t\r\x7f"},
           {7, harmless},
           {-1, ""},
           {1, "\xe2\x80\xae turned \xef\xbb\xbf \xf0\x9f\x98\x80 \xc0\x80 \xed\xa0\x80 \xff"},
           {1, std::string(9000, 'x')},
           {1, std::string(7999, 'x') + "\xc3\xa9"},
           {1, std::string(7998, 'x') + "\n\n"}}) {
    real_.table()->log(real_.table(), level, line.c_str());
    fake_.log(&fake_, level, line.c_str());
  }
  real_.table()->log(real_.table(), 1, nullptr);
  fake_.log(&fake_, 1, nullptr);
  // At the level of this process, the real log leaves the lines for debugging out.
  std::vector<fake::LogLine> expected = lines_;
  std::vector<fake::LogLine> found = fake_.log_lines();
  std::erase_if(found, [](const auto& line) { return !log::enabled(static_cast<log::Level>(line.level)); });
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].level, expected[i].level) << i;
    EXPECT_EQ(found[i].text, expected[i].text) << i;
  }
}

TEST_F(HostConformance, refuses_with_the_same_words) {
  for (const auto& [setting, reason] : std::vector<std::pair<const char*, const char*>>{{nullptr, "no such table"},
                                                                                        {"title", "must be \"x\"\n"},
                                                                                        {"", "is too much"},
                                                                                        {"a\nb", "\x1b[0m"},
                                                                                        {"x", nullptr},
                                                                                        {nullptr, ""}}) {
    real_.table()->refuse(real_.table(), setting, reason);
    fake_.refuse(&fake_, setting, reason);
    EXPECT_EQ(fake_.refusal().what(), *real_.refusal());
  }
}

// ---- forklift.stats/1 ----

// What a plugin does with its numbers in create(), and behind it; what comes back goes into the trace.
using StatsScript = std::function<void(const forklift_stats*, std::string& trace)>;

class StatsConformance : public HostConformance {
 protected:
  struct Seen {
    std::string trace;
    std::vector<std::string> stats;
    std::vector<fake::LogLine> log;
  };

  void expect_same(
      const StatsScript& create, const StatsScript& later = [](const auto*, auto&) {}) {
    const Seen expected = really(create, later);
    const Seen found = pretended(create, later);
    EXPECT_EQ(found.trace, expected.trace);
    EXPECT_EQ(found.stats, expected.stats);
    ASSERT_EQ(found.log.size(), expected.log.size());
    for (std::size_t i = 0; i < found.log.size(); ++i) {
      EXPECT_EQ(found.log[i].level, expected.log[i].level) << i;
      EXPECT_EQ(found.log[i].text, expected.log[i].text) << i;
    }
  }

 private:
  Seen really(const StatsScript& create, const StatsScript& later) {
    lines_.clear();
    auto page = ipc::SharedPage::create();
    EXPECT_TRUE(page);
    plugin::StatsTable stats(page->stats());
    Seen seen;
    create(stats.table(), seen.trace);
    stats.close();
    later(stats.table(), seen.trace);
    for (const ipc::Stat& stat : page->read_stats()) {
      const bool is_gauge = stat.kind == ipc::StatKind::kGauge;
      const std::uint64_t value = is_gauge ? stat.value : std::min<std::uint64_t>(stat.value, INT64_MAX);
      seen.stats.push_back(show(stat.name, stat.help, is_gauge, static_cast<std::int64_t>(value)));
    }
    seen.log = lines_;
    return seen;
  }

  static Seen pretended(const StatsScript& create, const StatsScript& later) {
    struct State {
      const StatsScript& create;
      std::string trace;
      const forklift_stats* table;
    } state{create, {}, nullptr};
    forklift_plugin counts{};
    counts.version = FORKLIFT_VERSION_OF(forklift_plugin);
    counts.name = "counts";
    counts.create = [](const forklift_host* host, void**) {
      State& self = *static_cast<State*>(const_cast<void*>(host->service(host, "state/1")));
      self.table = static_cast<const forklift_stats*>(host->service(host, FORKLIFT_STATS_ID));
      self.create(self.table, self.trace);
      return 0;
    };
    counts.produce = [](void*, const forklift_env*, forklift_body*, forklift_out*) { return 0; };
    const fake::Plugin plugin(&counts, fake::Host().service("state/1", &state));
    later(state.table, state.trace);
    Seen seen{std::move(state.trace), {}, plugin.log()};
    for (const fake::Stat& stat : plugin.stats()) {
      seen.stats.push_back(show(stat.name, stat.help, stat.is_gauge, stat.value));
      EXPECT_EQ(plugin.stat(stat.name), stat.value);
    }
    return seen;
  }

  static std::string show(const std::string& name, const std::string& help, bool is_gauge, std::int64_t value) {
    return (is_gauge ? "gauge " : "counter ") + name + " " + std::to_string(value) + " " + help;
  }
};

TEST_F(StatsConformance, names_and_numbers) {
  const std::string longest(FORKLIFT_STATS_NAME_MAX, 'a');
  const std::string text = std::string(FORKLIFT_STATS_HELP_MAX - 1, 'h') + "\xc3\xa4 and more";
  expect_same([&](const forklift_stats* stats, std::string& trace) {
    const auto note = [&](int number) { trace += std::to_string(number) + " "; };
    for (const std::string& name : {std::string("hits"), longest, longest + "a", std::string(), std::string("Hits"),
                                    std::string("a b\n"), std::string("hits")}) {
      note(stats->counter(stats, name.c_str(), text.c_str()));
    }
    note(stats->counter(stats, nullptr, nullptr));
    note(stats->gauge(stats, "hits", nullptr));
    note(stats->gauge(stats, "level", nullptr));
    note(stats->counter(stats, "level", nullptr));
    note(stats->counter(nullptr, "x", nullptr));
    std::thread([&] { note(stats->counter(stats, "elsewhere", nullptr)); }).join();
  });
}

TEST_F(StatsConformance, as_many_as_there_may_be_and_none_behind_create) {
  const auto enter = [](const forklift_stats* stats, std::string& trace) {
    for (int i = 0; i < FORKLIFT_STATS_MAX + 1; ++i) {
      trace += std::to_string(stats->counter(stats, ("c" + std::to_string(i)).c_str(), "help")) + " ";
    }
  };
  expect_same(enter, enter);
}

TEST_F(StatsConformance, values) {
  const auto enter = [](const forklift_stats* stats, std::string&) {
    stats->counter(stats, "hits", nullptr);
    stats->gauge(stats, "level", nullptr);
  };
  const auto calls = [&](const std::vector<std::pair<bool, std::int64_t>>& values) {
    expect_same(enter, [&](const forklift_stats* stats, std::string&) {
      for (const int number : {1, 2, 3, 0, -4, FORKLIFT_STATS_MAX + 1}) {
        for (const auto& [sets, value] : values) (sets ? stats->set : stats->add)(stats, number, value);
      }
      stats->add(nullptr, 1, 1);
      stats->set(nullptr, 2, 1);
    });
  };
  calls({{false, 1}, {false, 41}, {false, -2}});
  calls({{true, 7}, {false, -9}});
  calls({{false, INT64_MAX}, {false, INT64_MAX}, {false, INT64_MAX}});
  calls({{true, INT64_MIN}, {false, -1}});
}

}  // namespace
}  // namespace forklift::worker
