// forklift/web/url.hpp - percent-encoding, RFC 3986 section 2; part of forklift/web.hpp
//
// Decode once, and after taking the text apart: a path or query that is decoded first has separators in it which the
// client has not meant as such, and one that is decoded twice has bytes that nobody has sent.
#ifndef FORKLIFT_WEB_URL_HPP
#define FORKLIFT_WEB_URL_HPP

#include <cstddef>
#include <forklift/web/detail/text.hpp>
#include <forklift/web/refusal.hpp>
#include <string>
#include <string_view>

namespace forklift {
inline namespace api {
namespace web {

namespace detail {

// 0 to 15, or -1.
inline int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

inline std::string percent_decoded(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '+' && plus_is_space) {
      decoded.push_back(' ');
    } else if (text[at] != '%') {
      decoded.push_back(text[at]);
    } else {
      const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
      const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
      if (high < 0 || low < 0) throw Refusal(400, "a percent sign is not followed by two hexadecimal digits");
      decoded.push_back(static_cast<char>(high * 16 + low));
      at += 2;
    }
  }
  return decoded;
}

inline std::string percent_encoded(std::string_view text, std::string_view also_plain) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_letter(c) || is_digit(c) || is_one_of(c, "-._~") || is_one_of(c, also_plain)) {
      encoded.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded.append({'%', kDigits[byte / 16], kDigits[byte % 16]});
    }
  }
  return encoded;
}

}  // namespace detail

// A piece of a path with each %XX replaced by its byte. The result may hold any byte: "/", "..", NUL. A plus sign is a
// plus sign; for queries and forms, where it is a space, see query.hpp. Refusal 400 for a % that no two hexadecimal
// digits follow.
inline std::string decode_url(std::string_view text) {
  return detail::percent_decoded(text, false);
}

// `text` as a piece of a path, or as a name or value of a query: all bytes but letters, digits and -._~ (RFC 3986, 2.3)
// are encoded, also "/", "&", "=" and "+".
inline std::string encode_url(std::string_view text) {
  return detail::percent_encoded(text, "");
}

// The same for a path whose pieces are already joined by "/", which stays.
inline std::string encode_path(std::string_view path) {
  return detail::percent_encoded(path, "/");
}

}  // namespace web
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_WEB_URL_HPP
