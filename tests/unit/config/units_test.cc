#include "config/units.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>

namespace forklift::config {

namespace {

template <typename T>
std::string shown(const Result<T>& result) {
  return result ? "a value" : result.error().message();
}

}  // namespace

TEST(Sizes, ArePowersOf1024) {
  EXPECT_EQ(parse_size("0").value(), 0U);
  EXPECT_EQ(parse_size("512").value(), 512U);
  EXPECT_EQ(parse_size("64K").value(), 65536U);
  EXPECT_EQ(parse_size("16M").value(), 16777216U);
  EXPECT_EQ(parse_size("1G").value(), 1073741824U);
  EXPECT_EQ(parse_size("18446744073709551615").value(), 18446744073709551615U);
  EXPECT_EQ(parse_size("17179869183G").value(), 18446744072635809792U);
}

TEST(Sizes, ThatOverflowAreRefused) {
  for (const char* text :
       {"18446744073709551616", "17179869184G", "18446744073709551615K", "99999999999999999999999M"}) {
    EXPECT_EQ(shown(parse_size(text)), '"' + std::string(text) + "\" is too large");
  }
}

TEST(Sizes, AreDigitsAndOneUnit) {
  for (const char* text :
       {"", "K", "1k", "1KB", "1 K", " 1", "1 ", "+1", "-1", "01", "00", "0x10", "1.5M", "1T", "1e3"}) {
    EXPECT_EQ(shown(parse_size(text)), '"' + std::string(text) + "\" is not a size; write 512, 64K, 16M or 1G");
  }
}

TEST(Sizes, AreShownAsPeopleWriteThem) {
  EXPECT_EQ(format_size(0), "0");
  EXPECT_EQ(format_size(1023), "1023");
  EXPECT_EQ(format_size(1024), "1K");
  EXPECT_EQ(format_size(1536), "1536");
  EXPECT_EQ(format_size(64 * 1024), "64K");
  EXPECT_EQ(format_size(1024 * 1024), "1M");
  EXPECT_EQ(format_size(std::uint64_t{1} << 40), "1024G");
}

TEST(Durations, HaveAUnit) {
  EXPECT_EQ(parse_duration("250ms").value(), milliseconds(250));
  EXPECT_EQ(parse_duration("30s").value(), seconds(30));
  EXPECT_EQ(parse_duration("5m").value(), std::chrono::minutes(5));
  EXPECT_EQ(parse_duration("1h").value(), std::chrono::hours(1));
  EXPECT_EQ(parse_duration("0").value(), Duration::zero());
  EXPECT_EQ(parse_duration("0ms").value(), Duration::zero());
  EXPECT_EQ(parse_duration("8760h").value(), std::chrono::hours(8760));
}

TEST(Durations, ThatAreTooLongAreRefused) {
  for (const char* text : {"8761h", "31536001s", "18446744073709551615ms", "99999999999999999999s"}) {
    EXPECT_EQ(shown(parse_duration(text)), '"' + std::string(text) + "\" is too long; at most 8760h");
  }
}

TEST(Durations, AreDigitsAndOneUnit) {
  for (const char* text : {"", "s", "10", "10 s", "1.5s", "-1s", "+1s", "01s", "1S", "1h30m", "1d", "10us", "00"}) {
    EXPECT_EQ(shown(parse_duration(text)),
              '"' + std::string(text) + "\" is not a duration; write 250ms, 30s, 5m or 1h");
  }
}

TEST(Percentages, AreDigitsAndTheirSign) {
  EXPECT_EQ(parse_percent("0%").value(), 0U);
  EXPECT_EQ(parse_percent("150%").value(), 150U);
  for (const char* text : {"", "%", "10", "10 %", "010%", "-1%", "1.5%", "10%%", "10K"}) {
    EXPECT_EQ(shown(parse_percent(text)), '"' + std::string(text) + "\" is not a percentage; write 10%");
  }
  EXPECT_EQ(shown(parse_percent("99999999999999999999%")), "\"99999999999999999999%\" is too large");
}

TEST(Counts, AreDigitsOnly) {
  EXPECT_EQ(parse_count("0").value(), 0U);
  EXPECT_EQ(parse_count("10000").value(), 10000U);
  for (const char* text : {"", "1K", "010", "-1", "+1", "1_000", "0b1", "1\n"}) EXPECT_FALSE(parse_count(text)) << text;
  EXPECT_EQ(shown(parse_count("99999999999999999999")), "\"99999999999999999999\" is too large");
}

TEST(Limits, AreNumbersOrUnlimited) {
  EXPECT_EQ(format_limit(0), "0");
  EXPECT_EQ(format_limit(1024), "1024");
  EXPECT_EQ(format_limit(RLIM_INFINITY), "unlimited");
}

}  // namespace forklift::config
