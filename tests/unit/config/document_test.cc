// What a hostile file costs: bounded memory, bounded depth, and a reason.
#include "config/document.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "reading.h"

namespace forklift::config {

namespace {

std::string repeat(std::string_view piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

// `settings` with ten lists, each of which holds the one before it ten times: 10^10 values when unfolded.
std::string billion_laughs() {
  std::string text = "settings:\n      l0: &l0 [x]\n";
  for (int level = 1; level <= 10; ++level) {
    text += fmt::format("      l{0}: &l{0} [{1}]\n", level, repeat(fmt::format("*l{},", level - 1), 10));
  }
  return app_with(text);
}

}  // namespace

TEST(Document, StopsABombOfAliases) {
  EXPECT_EQ(verdict(billion_laughs()),
            "app.yaml:11:24: the file unfolds to more than 100000 values or 4194304 bytes; use fewer aliases");
}

TEST(Document, StopsABombOfOneLongText) {
  const std::string yaml =
      app_with("settings: {a: &a " + std::string(500'000, 'x') + ", b: [" + repeat("*a, ", 1000) + "]}");
  EXPECT_EQ(verdict(yaml),
            "app.yaml:5:500052: the file unfolds to more than 100000 values or 4194304 bytes; use fewer aliases");
}

TEST(Document, CountsValuesWithoutAliasesToo) {
  EXPECT_EQ(verdict("apps: [" + repeat("x,", 200'000) + "]"),
            "app.yaml:1:200002: the file unfolds to more than 100000 values or 4194304 bytes; use fewer aliases");
}

TEST(Document, StopsAtADepthThatNobodyWrites) {
  EXPECT_EQ(verdict(repeat("[", 100) + repeat("]", 100)), "app.yaml:1:65: nested more than 64 levels deep");
  EXPECT_EQ(verdict(repeat("- ", 1000)), "app.yaml:1:129: nested more than 64 levels deep");
  const std::string half = repeat("[", 40) + "x" + repeat("]", 40);
  EXPECT_EQ(verdict("settings: &a " + half + "\nruntime_dir: " + repeat("[", 30) + "*a" + repeat("]", 30)),
            "app.yaml:2:44: nested more than 64 levels deep");
}

// Every cut of a good file is either fine or has findings with a place; none crashes or hangs.
TEST(Document, SurvivesEveryCutOfAGoodFile) {
  const std::string yaml =
      app_with("settings:\n      a: &x [1, \"two\", 'three']\n      b: *x\n      c: |\n        text");
  EXPECT_EQ(verdict(yaml), "fine");
  for (std::size_t size = 0; size < yaml.size(); ++size) {
    Findings findings;
    const auto document = parse_document(std::string_view(yaml).substr(0, size), "app.yaml", findings);
    EXPECT_TRUE(document || !findings.empty()) << size;
  }
}

TEST(Document, KeepsScalarsAsTheyAreWritten) {
  Findings findings;
  const auto document =
      parse_document("{a: 010, b: yes, c: 1.0, d: \"q\\t\", e: !!str 5, f: ~, g: null, h: }", "f", findings);
  ASSERT_TRUE(document) << show(findings);
  std::string shown;
  for (const Node& child : document->children) {
    shown += fmt::format("{}={};", child.name, child.kind == Node::Kind::kNull ? "nothing" : child.text);
  }
  EXPECT_EQ(shown, "a=010;b=yes;c=1.0;d=q\t;e=5;f=nothing;g=nothing;h=nothing;");
}

TEST(Document, TakesClosedQuotesWithQuotesInThem) {
  EXPECT_EQ(verdict(app_with(R"(settings: {a: 'it''s', b: "a \" b", c: "\\", d: &q "x", e: '', f: ""})")), "fine");
}

}  // namespace forklift::config
