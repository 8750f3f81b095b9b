// Part of forklift/web/upload.hpp: a client's name for a file, as a name on our disk.
#ifndef FORKLIFT_WEB_DETAIL_FILENAME_HPP
#define FORKLIFT_WEB_DETAIL_FILENAME_HPP

#include <algorithm>
#include <cstddef>
#include <forklift/web/detail/text.hpp>
#include <string>
#include <string_view>

namespace forklift {
inline namespace api {
namespace web {
namespace detail {

// What a terminal or a browser obeys instead of showing it: C1 controls, separators of lines, marks of direction.
// `text` begins with a sequence of `size` bytes.
inline bool is_invisible(std::string_view text, std::size_t size) {
  const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  if (size == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;  // U+0080 to U+009F
  if (size != 3 || byte(0) != 0xe2) return false;
  const unsigned last = byte(2);
  if (byte(1) == 0x80)
    return last == 0x8e || last == 0x8f || (last >= 0xa8 && last <= 0xae);  // U+200E, U+2028 to U+202E
  return byte(1) == 0x81 && last >= 0xa6 && last <= 0xa9;                   // U+2066 to U+2069
}

// Names that are devices on Windows, with any ending.
inline bool is_device(std::string_view name) {
  std::string stem(name.substr(0, name.find('.')));
  for (char& c : stem) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  if (stem == "CON" || stem == "PRN" || stem == "AUX" || stem == "NUL") return true;
  const std::string_view port = std::string_view(stem).substr(0, 3);
  return stem.size() == 4 && (port == "COM" || port == "LPT") && stem[3] >= '1' && stem[3] <= '9';
}

// At most `most` bytes of `name`, which is UTF-8: cut between characters, before an ending such as ".tar" or ".jpeg",
// which stays.
inline std::string shortened(const std::string& name, std::size_t most) {
  constexpr std::size_t kLongestEnding = 16;
  if (name.size() <= most) return name;
  const std::size_t dot = name.rfind('.');
  const std::string ending = dot != name.npos && name.size() - dot <= kLongestEnding ? name.substr(dot) : "";
  std::size_t end = most - ending.size();
  while ((static_cast<unsigned char>(name[end]) & 0xc0U) == 0x80) --end;
  return name.substr(0, end) + ending;
}

inline std::string safe_filename(std::string_view sent) {
  constexpr std::size_t kMost = 200;  // NAME_MAX is 255: leaves room for what an author puts around it
  const std::size_t slash = sent.find_last_of("/\\");
  if (slash != sent.npos) sent.remove_prefix(slash + 1);
  std::string name;
  while (!sent.empty()) {
    const std::size_t size = utf8_sequence(sent);
    const bool is_safe = (size > 1 && !is_invisible(sent, size)) ||
                         (size == 1 && !is_control(sent.front()) && !is_one_of(sent.front(), "<>:\"|?*"));
    if (is_safe) {
      name.append(sent.substr(0, size));
    } else {
      name.push_back('_');
    }
    sent.remove_prefix(std::max<std::size_t>(size, 1));
  }
  // A leading dot hides, ".." is the folder above, a leading minus is a program's option; Windows drops dots and blanks
  // at the end.
  name.erase(0, std::min(name.find_first_not_of(". -"), name.size()));
  const auto shorten = [&] {
    name = shortened(name, kMost);
    name.erase(name.find_last_not_of(". ") + 1);
  };
  shorten();
  if (is_device(name)) {  // which it may only be now
    name.insert(name.begin(), '_');
    shorten();
  }
  return name.empty() ? "file" : name;
}

}  // namespace detail
}  // namespace web
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_WEB_DETAIL_FILENAME_HPP
