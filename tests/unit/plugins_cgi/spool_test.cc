#include "spool.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace cgi {
namespace {

std::string bytes(std::size_t count, int seed = 1) {
  std::minstd_rand random(static_cast<unsigned>(seed));
  std::string text(count, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::string take(Spool& spool, std::size_t at_most) {
  std::string taken;
  while (!spool.empty() && taken.size() < at_most) {
    const std::string_view front = spool.front().substr(0, at_most - taken.size());
    EXPECT_FALSE(front.empty());
    taken += front;
    spool.drop(front.size());
  }
  return taken;
}

TEST(Spool, GivesBackWhatHasComeInOrder) {
  for (const std::size_t count : {1U, 99U, 100U, 101U, 300'000U}) {
    Spool spool(100);
    const std::string text = bytes(count);
    spool.append(text);
    EXPECT_EQ(spool.size(), count);
    EXPECT_TRUE(take(spool, count) == text);
    EXPECT_TRUE(spool.empty());
    spool.append("again");
    EXPECT_EQ(take(spool, 5), "again");
  }
}

TEST(Spool, WhileItIsFilledAndEmptiedByTurns) {
  std::minstd_rand random(7);
  Spool spool(1000);
  const std::string text = bytes(2'000'000, 2);
  std::string given;
  for (std::size_t sent = 0; sent < text.size() || !spool.empty();) {
    const std::size_t piece = std::min<std::size_t>(random() % 5000, text.size() - sent);
    spool.append(text.substr(sent, piece));
    sent += piece;
    given += take(spool, random() % 5000);
  }
  EXPECT_TRUE(given == text);
}

TEST(Spool, SaysSoWhereThereIsNoPlace) {
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before ? before : "";
  ::setenv("TMPDIR", "/no/such/folder", 1);
  Spool spool(10);
  spool.append("0123456789");
  EXPECT_THROW(spool.append("x"), std::exception);
  before ? ::setenv("TMPDIR", kept.c_str(), 1) : ::unsetenv("TMPDIR");
}

}  // namespace
}  // namespace cgi
