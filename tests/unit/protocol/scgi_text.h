// Heads as a front server would write them, for the tests of this folder.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forklift::protocol {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// `NAME NUL value NUL ...`
inline std::string block_of(const Pairs& pairs) {
  std::string block;
  for (const auto& [name, value] : pairs) (block += name).append(1, '\0').append(value).append(1, '\0');
  return block;
}

inline std::string netstring(std::string_view block) {
  return std::to_string(block.size()).append(":").append(block).append(",");
}

inline std::string head_of(const Pairs& pairs) {
  return netstring(block_of(pairs));
}

// The shortest head that is a request, with `more` behind its variables.
inline std::string head_with(const Pairs& more) {
  Pairs pairs = {{"CONTENT_LENGTH", "0"}, {"SCGI", "1"}};
  pairs.insert(pairs.end(), more.begin(), more.end());
  return head_of(pairs);
}

// The bytes alone in a piece of memory of exactly their size: reading one byte beyond is seen by the address sanitizer.
class ExactBytes {
 public:
  explicit ExactBytes(std::string_view bytes) : size_(bytes.size()), bytes_(new char[bytes.size()]) {
    bytes.copy(bytes_.get(), bytes.size());
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> bytes_;
};

// The example of the protocol's text.
inline std::string published_head() {
  return head_of(
      {{"CONTENT_LENGTH", "27"}, {"SCGI", "1"}, {"REQUEST_METHOD", "POST"}, {"REQUEST_URI", "/deepthought"}});
}
inline constexpr std::string_view kPublishedBody = "What is the answer to life?";

// What the front servers of Debian 12 send, shortened.
inline std::vector<std::string> good_heads() {
  return {
      published_head(),
      head_with({}),
      // nginx: SCGI second, a repeated header twice, empty values
      head_of({{"CONTENT_LENGTH", "0"},
               {"SCGI", "1"},
               {"REQUEST_METHOD", "GET"},
               {"REQUEST_URI", "/a?b=c"},
               {"QUERY_STRING", "b=c"},
               {"CONTENT_TYPE", ""},
               {"HTTP_HOST", "example.org"},
               {"HTTP_FOO", "1"},
               {"HTTP_FOO", "2"}}),
      // lighttpd: SCGI last
      head_of({{"CONTENT_LENGTH", "6"}, {"REQUEST_METHOD", "PUT"}, {"HTTP_CONTENT_LENGTH", "6"}, {"SCGI", "1"}}),
      // Apache: names in lower case, its own PATH
      head_of({{"CONTENT_LENGTH", "0"},
               {"SCGI", "1"},
               {"proxy-scgi-pathinfo", "1"},
               {"PATH", "/usr/bin:/bin"},
               {"SCRIPT_FILENAME", "proxy:scgi://localhost:4000/x"}}),
      // a block of 1000 bytes and more: four digits
      head_with({{"HTTP_COOKIE", std::string(1500, 'c')}, {"HTTP_COOKIE", "d"}}),
  };
}

}  // namespace forklift::protocol
