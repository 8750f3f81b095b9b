#include "cli/status_table.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/reload_report.h"
#include "cli/table.h"

namespace forklift::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Json json(const std::string& text) {
  auto object = parse_object(text);
  EXPECT_TRUE(object) << text;
  return object.value_or(Json(new Poco::JSON::Object));
}

TEST(Table, has_columns_as_wide_as_what_stands_in_them) {
  EXPECT_EQ(table({{"A", "BB", "C"}, {"long", "x", ""}, {"", "y", "z"}}),
            "A     BB  C\n"
            "long  x\n"
            "      y   z\n");
  EXPECT_EQ(table({{"a\x1b[31m\n"}}), "a\\x1b[31m\\n\n");
}

TEST(StatusTable, shows_apps_and_then_workers) {
  const std::string text = status_table(json(R"({"version":"1.2","pid":7,"since":"2026-11-25T10:00:00.000Z",
    "state":"running","config":"/etc/app.yaml","apps":[{"name":"shop","state":"running","generation":4,
    "plugin":"/srv/shop.so","plugin_version":"2.1","build_id":"0123456789abcdef","workers_max":5,"listeners":["127.0.0.1:4000","unix:/run/shop"],
    "queue":{"length":3,"most":1024,"oldest_ms":1500},"connections":9,
    "workers":[{"pid":8,"generation":4,"state":"BUSY","requests":12,"age_ms":61000,"memory":1572864,
                "request":{"method":"GET","uri":"/x","age_ms":2}},
               {"pid":9,"generation":5,"state":"STARTING","step":"LOADED","requests":0,"age_ms":10,"request":null}],
    "counters":{"requests":13,"responses_4xx":1,"responses_5xx":2,"refused_503":3,"crashes":4,"timeouts":5}}],
    "last_reload":{"ok":false}})"));
  EXPECT_EQ(
      text,
      "forklift 1.2, process 7: running since 2026-11-25T10:00:00.000Z from /etc/app.yaml; the last reload failed\n"
      "\n"
      "APP   STATE    GENERATION  VERSION             WORKERS  QUEUE   OLDEST  CONNECTIONS  REQUESTS  4xx  5xx  503  "
      "CRASHES  "
      "TIMEOUTS  LISTENERS\n"
      "shop  running  4           2.1 (0123456789ab)  1/5 +1   3/1024  1.5s    9            13        1    2    3    4 "
      "       "
      "5         127.0.0.1:4000 unix:/run/shop\n"
      "\n"
      "APP   PID  GENERATION  STATE     REQUESTS  AGE   MEMORY  REQUEST\n"
      "shop  8    4           BUSY      12        1m    1.5M    GET /x (2ms)\n"
      "shop  9    5           STARTING  0         10ms  -       LOADED\n");
}

TEST(StatusTable, shows_a_reload_that_is_under_way) {
  const std::string text = status_table(json(R"({"apps":[],"reload":{"age_ms":12000,"waiting":2,"apps":[
    {"app":"ver","generation":28,"waits_for":"CREATED"},
    {"app":"new","generation":1,"waits_for":"\u001b","workers":[{"pid":2712,"state":"STARTING","step":"LOADED"}]}]}})"));
  EXPECT_THAT(text,
              AllOf(HasSubstr("\na reload is under way since 12.0s: app \"ver\" generation 28 waits for CREATED, app "
                              "\"new\" generation 1 waits for \\x1b; 2 more waiting\n\n"),
                    HasSubstr("\nnew  2712")));
  EXPECT_THAT(status_table(json(R"({"reload":{"age_ms":null,"waiting":3,"apps":[]}})")),
              HasSubstr("\n3 reloads waiting\n"));
  EXPECT_THAT(status_table(json(R"({"reload":null})")), Not(HasSubstr("reload")));
}

TEST(StatusTable, shows_what_plugins_count_and_what_they_do_behind_their_response) {
  const std::string text = status_table(json(R"({"apps":[{"name":"shop",
    "workers":[{"pid":8,"state":"BUSY","request":{"method":"GET","uri":"/x","age_ms":2,"deferred":true}}],
    "stats":[{"name":"hits","kind":"counter","value":18446744073709551615,"help":"pages"},
             {"name":"level","kind":"gauge","value":-3,"help":""}]}]})"));
  EXPECT_THAT(text, HasSubstr("deferred work of GET /x (2ms)\n"));
  EXPECT_THAT(text, testing::EndsWith("\n\n"
                                      "APP   STATISTIC  KIND     VALUE                 MEANING\n"
                                      "shop  hits       counter  18446744073709551615  pages\n"
                                      "shop  level      gauge    -3\n"));
}

TEST(StatusTable, counts_apart_who_is_of_another_generation_or_leaves) {
  const auto workers = [](const char* listed) {
    return status_table(json(fmt::format(
        R"({{"state":"stopping","since":"then","apps":[{{"name":"a","generation":2,"workers_max":2,"workers":[{}]}}]}})",
        listed)));
  };
  EXPECT_THAT(workers(""), AllOf(HasSubstr("  0/2  "), HasSubstr(": stopping, has run since then")));
  EXPECT_THAT(workers(R"({"generation":2,"state":"IDLE"},{"generation":2,"state":"BUSY"})"), HasSubstr("  2/2  "));
  EXPECT_THAT(workers(R"({"generation":1,"state":"IDLE"},{"generation":2,"state":"DRAINING"})"),
              HasSubstr("  0/2 +2  "));
}

TEST(StatusTable, takes_what_is_missing_for_empty) {
  for (const char* text : {"{}", R"({"apps":7})", R"({"apps":[]})", R"({"apps":[7,null,[]]})",
                           R"({"apps":[{"workers":[{"request":7}, 3],"queue":[],"counters":"x","listeners":{}}]})"}) {
    EXPECT_THAT(status_table(json(text)), AllOf(HasSubstr("LISTENERS"), HasSubstr("MEMORY"))) << text;
  }
}

TEST(StatusTable, lets_nothing_through_that_a_terminal_would_obey) {
  EXPECT_THAT(status_table(json(R"({"config":"\u001b[31m","apps":[{"name":"\u001b[32m\n"}]})")),
              Not(HasSubstr("\x1b")));
}

TEST(Age, is_short) {
  EXPECT_EQ(format_age(0), "0ms");
  EXPECT_EQ(format_age(999), "999ms");
  EXPECT_EQ(format_age(3240), "3.2s");
  EXPECT_EQ(format_age(61'000), "1m");
  EXPECT_EQ(format_age(2 * 3600'000), "2h");
  EXPECT_EQ(format_age(72.0 * 3600'000), "3d");
}

TEST(ReloadReport, tells_how_it_went_app_by_app) {
  const ReloadReport report = describe_finished(json(R"({"event":"finished","ok":false,"apps":[
    {"app":"shop","outcome":"reloaded","generation":5,"plugin_version":"2.1","build_id":"0123456789abcdef","reason":""},
    {"app":"blog","outcome":"failed","generation":2,"reason":"generation 3 failed at CREATED: no table"},
    {"app":"old","outcome":"removed","generation":0,"reason":""}],
    "problems":["app.yaml:3:4: \u001b"],"notes":["pid_file: cannot be changed"]})"));
  EXPECT_FALSE(report.ok);
  EXPECT_EQ(report.text,
            "APP   OUTCOME   GENERATION  VERSION             REASON\n"
            "shop  reloaded  5           2.1 (0123456789ab)\n"
            "blog  failed    2           -                   generation 3 failed at CREATED: no table\n"
            "old   removed   -           -\n"
            "note: pid_file: cannot be changed\n");
  EXPECT_EQ(report.problems, "app.yaml:3:4: \\x1b\nnothing has changed\n");
  EXPECT_TRUE(describe_finished(json(R"({"ok":true})")).ok);
  EXPECT_EQ(describe_finished(json("{}")).text, "");
}

TEST(ReloadReport, shows_each_step) {
  EXPECT_EQ(describe_progress(json(R"({"app":"shop","text":"generation 4: READY\n"})")),
            "app \"shop\": generation 4: READY\\n");
  EXPECT_EQ(describe_progress(json(R"({"app":"shop","text":"app \"shop\": generation 4 failed"})")),
            "app \"shop\": generation 4 failed")
      << "its name once";
}

TEST(Answers, that_are_none_are_refused) {
  for (const char* text : {"", "7", "[]", "null", "{", "HTTP/1.1 400"}) EXPECT_FALSE(parse_object(text)) << text;
}

}  // namespace
}  // namespace forklift::cli
