// forklift/testing.hpp is what the server is: calls in any order, with any arguments, as a generator with a fixed seed
// makes them up.
#include <cstdio>
#include <memory>
#include <random>

#include "conformance.h"

namespace forklift::worker {
namespace {

constexpr unsigned kScripts = 300;
constexpr int kCallsMax = 8;

class Choices {
 public:
  explicit Choices(unsigned seed) : random_(seed) {}
  // 0 to `count` - 1, with the same results by every standard library.
  std::size_t below(std::size_t count) { return random_() % count; }
  template <typename Value, std::size_t count>
  Value one_of(const Value (&values)[count]) {
    return values[below(count)];
  }

 private:
  std::mt19937 random_;
};

void call_something(Calls& c, Choices& choices, int file) {
  static constexpr int kStatus[] = {200, 200, 204, 304, 404, 500, 99, 600};
  static constexpr const char* kNames[] = {"X", "Content-Length", "Location", "Status", "a b"};
  static constexpr const char* kValues[] = {"3", "0", "a", "a\nb", ""};
  static constexpr const char* kTexts[] = {"A: b\n\n",      "A: b\r\n\r\n",       "A:", " b\n", "\n", "abc", "",
                                           "Status: 404\n", "Content-Length: 3\n"};
  static constexpr unsigned kInterests[] = {0, 1, 2, 4, 8, 3, 15, 16};
  static constexpr std::size_t kSizes[] = {0, 1, 2, 100, static_cast<std::size_t>(-1)};
  char room[100];
  switch (choices.below(10)) {
    case 0:
    case 1: {
      std::vector<forklift_header> headers(choices.below(3));
      for (forklift_header& each : headers) each = {choices.one_of(kNames), choices.one_of(kValues)};
      c.begin(choices.one_of(kStatus), headers);
      break;
    }
    case 2:
    case 3: c.write(choices.one_of(kTexts)); break;
    case 4: c.try_write(choices.one_of(kTexts)); break;
    case 5: choices.below(2) == 0 ? c.flush() : c.try_flush(); break;
    case 6: c.send_file(file, choices.below(5), choices.below(5)); break;
    case 7: c.wait(choices.one_of(kInterests)); break;
    case 8: c.read_raw(room, choices.one_of(kSizes)); break;
    default: c.try_read(choices.below(4)); break;
  }
}

TEST_P(Conformance, whatever_is_called) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  ASSERT_EQ(std::fwrite("12345", 1, 5, file.get()), 5U);
  ASSERT_EQ(std::fflush(file.get()), 0);

  for (unsigned seed = 1; seed <= kScripts; ++seed) {
    SCOPED_TRACE("script " + std::to_string(seed));
    const bool is_short = seed % 3 == 0;
    fake::Request request(seed % 5 == 0 ? "HEAD" : "POST", "/x");
    request.body("abcd");
    if (is_short) request.body_breaks_off_after(2);
    const Scene scene{.request = request,
                      .along = is_short ? "ab" : "abcd",
                      .end = is_short ? Scene::End::kHalfCloses : Scene::End::kStays};
    expect_same(scene, [&](Calls& c) {
      Choices choices(seed);
      for (int left = 1 + static_cast<int>(choices.below(kCallsMax)); left > 0; --left) {
        call_something(c, choices, fileno(file.get()));
      }
      return choices.below(5) == 0 ? 1 : 0;
    });
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace forklift::worker
