#include "config/access_format.h"

#include <gtest/gtest.h>

#include <string>

namespace forklift::config {

namespace {

// A format as it would have to be written: with all names in braces.
std::string written(const AccessFormat& format) {
  std::string text;
  for (const AccessPiece& piece : format.pieces) {
    text += piece.text;
    if (piece.has_field) text += "${" + std::string(to_string(piece.field)) + "}";
  }
  return text;
}

std::string pieces_of(std::string_view text) {
  const auto format = AccessFormat::parse(text);
  return format ? written(*format) : format.error().message();
}

std::string error_of(std::string_view text) {
  const auto format = AccessFormat::parse(text);
  return format ? "a format" : format.error().message();
}

}  // namespace

TEST(AccessFormats, AreTextWithFields) {
  EXPECT_EQ(pieces_of("$status"), "${status}");
  EXPECT_EQ(pieces_of("$method $uri -> $status!"), "${method} ${uri} -> ${status}!");
  EXPECT_EQ(pieces_of("$status$bytes"), "${status}${bytes}");
  EXPECT_EQ(pieces_of("$status\t$seconds"), "${status}\t${seconds}");
  EXPECT_EQ(pieces_of("$uri.html"), "${uri}.html");
}

TEST(AccessFormats, TakeNamesInBracesWhereALetterFollows) {
  EXPECT_EQ(pieces_of("${seconds}s"), "${seconds}s");
  EXPECT_EQ(error_of("${seconds"), "\"${\" without \"}\"");
  EXPECT_EQ(error_of("${}"), "\"$\" without a name; \"$$\" is a dollar sign");
}

TEST(AccessFormats, TakeTwoDollarSignsForOne) {
  EXPECT_EQ(pieces_of("$$$status$$"), "$${status}$");
  EXPECT_EQ(error_of("$status costs 5$"), "\"$\" without a name; \"$$\" is a dollar sign");
  EXPECT_EQ(error_of("$status $1"), "\"$\" without a name; \"$$\" is a dollar sign");
}

TEST(AccessFormats, KnowEveryFieldByItsName) {
  constexpr AccessField kLast = AccessField::kWaitSeconds;
  for (int i = 0; i <= static_cast<int>(kLast); ++i) {
    const auto field = static_cast<AccessField>(i);
    const auto format = AccessFormat::parse("$" + std::string(to_string(field)));
    ASSERT_TRUE(format) << format.error().message();
    ASSERT_EQ(format->pieces.size(), 1U);
    EXPECT_EQ(format->pieces[0].field, field);
  }
  EXPECT_EQ(to_string(AccessField::kTime), "time");
  EXPECT_EQ(to_string(AccessField::kStatus), "status");
  EXPECT_EQ(to_string(kLast), "wait_seconds");
}

TEST(AccessFormats, RefuseUnknownFieldsAndSayWhatThereIs) {
  EXPECT_EQ(error_of("$status $statuses"),
            "unknown field \"statuses\"; there are time, clf_time, app, generation, pid, remote_addr, remote_user, "
            "method, uri, protocol, status, bytes, referer, user_agent, ending, seconds, wait_seconds");
  EXPECT_NE(error_of("$" + std::string(100'000, 'x')).find("\"..."), std::string::npos);
}

TEST(AccessFormats, RefuseTextThatSaysNothingOfTheRequest) {
  for (const char* text : {"", "common", "status", "$$status"}) {
    EXPECT_EQ(error_of(text), "names no field; write combined, json, or a text with fields such as $status");
  }
}

TEST(AccessFormats, AreOneLine) {
  EXPECT_EQ(error_of("$status\n$uri"), "holds a line break; a request is one line");
  EXPECT_EQ(error_of("$status\r"), "holds a line break; a request is one line");
}

TEST(AccessFormats, HaveTwoWithANameOfTheirOwn) {
  EXPECT_EQ(pieces_of("combined"),
            "${remote_addr} - ${remote_user} [${clf_time}] \"${method} ${uri} ${protocol}\" ${status} ${bytes} "
            "\"${referer}\" \"${user_agent}\"");
  EXPECT_EQ(written(AccessFormat::combined()), pieces_of("combined"));
  EXPECT_FALSE(AccessFormat::combined().json);

  const auto json = AccessFormat::parse("json");
  ASSERT_TRUE(json);
  EXPECT_TRUE(json->json);
  EXPECT_TRUE(json->pieces.empty());
}

}  // namespace forklift::config
