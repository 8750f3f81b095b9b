// Part of forklift/plugin.hpp: text for a C interface.
#ifndef FORKLIFT_DETAIL_C_TEXT_HPP
#define FORKLIFT_DETAIL_C_TEXT_HPP

#include <algorithm>
#include <memory>
#include <string_view>

namespace forklift {
inline namespace api {
namespace detail {

// A NUL-terminated copy of a text, on the stack where it is short. A NUL inside, which C could not carry, becomes SUB
// (0x1a): so a message is not cut off, and a name that holds one is never taken for its first half.
class CText {
 public:
  explicit CText(std::string_view text) {
    char* copy = small_;
    if (text.size() >= sizeof small_) {
      large_.reset(new char[text.size() + 1]);
      copy = large_.get();
    }
    *std::replace_copy(text.begin(), text.end(), copy, '\0', '\x1a') = '\0';
  }
  CText(const CText&) = delete;
  CText& operator=(const CText&) = delete;

  const char* c_str() const { return large_ ? large_.get() : small_; }

 private:
  char small_[128];
  std::unique_ptr<char[]> large_;
};

}  // namespace detail
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_DETAIL_C_TEXT_HPP
