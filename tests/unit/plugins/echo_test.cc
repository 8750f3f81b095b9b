// plugins/echo: bodies of any size in constant memory.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <forklift/testing.hpp>

namespace {

using namespace forklift::testing;
using ::testing::HasSubstr;

constexpr char kEcho[] = PLUGINS "/echo.so";

Request post(const std::string& query) {
  return Request("POST", "/?" + query).header("Content-Type", "image/png");
}

// Every byte value, in a period that no power of two divides.
std::string pattern() {
  std::string all;
  for (int i = 0; i < 257; ++i) all.push_back(static_cast<char>(i));
  return all;
}

TEST(Echo, GivesBackBytesAndTypeOfTheBody) {
  for (const char* how : {"", "stream"}) {
    for (const std::size_t size : {0U, 1U, 65535U, 65536U, 65537U, 1000000U}) {
      const Response back = Plugin::load(kEcho).produce(post(how).body(size, pattern()).body_in_pieces_of(40001));
      EXPECT_TRUE(back.ok()) << back.failure;
      EXPECT_EQ(back.status, 200);
      EXPECT_EQ(back.header("Content-Type"), "image/png");
      EXPECT_EQ(back.header("Content-Length"), std::to_string(size));
      std::string expected;
      while (expected.size() < size) expected += pattern();
      expected.resize(size);
      EXPECT_TRUE(back.body == expected) << how << " " << size;
    }
  }
}

TEST(Echo, CallsABodyWithoutATypeBytes) {
  EXPECT_EQ(Plugin::load(kEcho).produce(Request("POST", "/")).header("Content-Type"), "application/octet-stream");
}

TEST(Echo, HashesWithTheTestVectorsOfFips180) {
  Plugin echo = Plugin::load(kEcho);
  EXPECT_EQ(echo.produce(post("sha256")).body, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n");
  EXPECT_EQ(echo.produce(post("sha256").body("abc")).body,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n");
  EXPECT_EQ(echo.produce(post("sha256").body(1000000, "a")).body,
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0\n");
}

// A body that breaks off must not be answered as if it were whole, in none of the ways.
TEST(Echo, FailsWhenTheBodyBreaksOff) {
  Plugin echo = Plugin::load(kEcho);
  for (const char* how : {"", "stream", "sha256"}) {
    for (const std::uint64_t size : {100U, 100000U}) {
      const Response broken = echo.produce(post(how).body(size, "x").body_breaks_off_after(size - 1));
      EXPECT_EQ(broken.result, FORKLIFT_ESHORT) << how << " " << size;
      EXPECT_THAT(broken.reason, HasSubstr("broke off")) << how << " " << size;
      const bool has_begun = std::string(how) == "stream" && size > 65536;
      EXPECT_EQ(broken.status, has_begun ? 200 : 400) << how << " " << size;
      EXPECT_EQ(broken.complete, !has_begun) << how << " " << size;
    }
  }
}

TEST(Echo, ReadsNoMoreForAClientThatIsGone) {
  const Response left = Plugin::load(kEcho).produce(post("stream").body(100'000'000, "x").client_leaves_after(100'000));
  EXPECT_TRUE(left.client_gone);
  EXPECT_LT(left.body_read, 1'000'000U);
}

long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// 100 MB in memory would show: the bound is a sixth of it, and leaves room for what a sanitizer adds.
TEST(Echo, TakesConstantMemoryWhateverTheSize) {
  constexpr std::uint64_t kSize = 100'000'000;
  for (const char* how : {"", "stream", "sha256"}) {
    Plugin echo = Plugin::load(kEcho);
    std::uint64_t written = 0;
    const Request large =
        post(how).body(kSize, std::string(4096, 'x')).give_body_to([&written](std::string_view bytes) {
          written += bytes.size();
        });
    const long before = peak_kilobytes();
    const Response response = echo.produce(large);
    EXPECT_TRUE(response.ok()) << response.failure;
    EXPECT_LT(peak_kilobytes() - before, 16 * 1024) << how;
    EXPECT_EQ(written, std::string_view(how) == "sha256" ? 65 : kSize) << how;
  }
}

}  // namespace
