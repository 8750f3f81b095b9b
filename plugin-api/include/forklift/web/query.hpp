// forklift/web/query.hpp - names and values of queries and forms; part of forklift/web.hpp
//
//     const Fields query = forklift::web::query(env);            // /find?q=blue+shoes&tag=a&tag=b
//     query["q"]                                                 // "blue shoes"
//     query.all("tag")                                           // "a", "b"
#ifndef FORKLIFT_WEB_QUERY_HPP
#define FORKLIFT_WEB_QUERY_HPP

#include <algorithm>
#include <cstddef>
#include <forklift/request.hpp>
#include <forklift/web/detail/text.hpp>
#include <forklift/web/refusal.hpp>
#include <forklift/web/url.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forklift {
inline namespace api {
namespace web {

// Names and values in the order of their arrival; a name may come more than once. They are bytes as the client sent
// them, decoded: check what you need, also whether they are UTF-8. Views into it live as long as it is neither changed
// nor destroyed.
class Fields {
 public:
  using Field = std::pair<std::string, std::string>;
  using value_type = Field;
  using const_iterator = std::vector<Field>::const_iterator;
  using iterator = const_iterator;

  // The first value of `name`; empty if there is none.
  std::string_view operator[](std::string_view name) const { return get(name).value_or(std::string_view("")); }

  // The first value of `name`; nothing if there is none, which is not the same as an empty one.
  std::optional<std::string_view> get(std::string_view name) const {
    for (const auto& [each, value] : fields_) {
      if (each == name) return std::string_view(value);
    }
    return std::nullopt;
  }

  // All values of `name`, in order.
  std::vector<std::string_view> all(std::string_view name) const {
    std::vector<std::string_view> values;
    for (const auto& [each, value] : fields_) {
      if (each == name) values.push_back(value);
    }
    return values;
  }

  bool has(std::string_view name) const { return get(name).has_value(); }
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }

  // `for (const auto& [name, value] : fields)`
  const_iterator begin() const { return fields_.begin(); }
  const_iterator end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }

 private:
  std::vector<Field> fields_;
};

namespace detail {

// Calls take(name, value), both still as they were sent, for each field of application/x-www-form-urlencoded.
template <class Take>
void each_urlencoded(std::string_view text, const Take& take) {
  while (!text.empty()) {
    std::string_view piece = take_until(text, '&');
    if (piece.empty()) continue;
    const std::string_view name = take_until(piece, '=');
    take(name, piece);
  }
}

}  // namespace detail

// application/x-www-form-urlencoded, as the WHATWG's URL standard has it (5.1): pieces between "&", empty ones left
// out, the name up to the first "=", "+" for a space, %XX for any byte. Stricter in one thing: a percent sign that two
// hexadecimal digits don't follow is a Refusal 400; the standard would have it stand for itself. More than `most`
// fields: 413.
inline Fields parse_urlencoded(std::string_view text, std::size_t most) {
  Fields fields;
  detail::each_urlencoded(text, [&](std::string_view name, std::string_view value) {
    if (fields.size() == most) throw Refusal(413, "there are more fields than this page takes");
    fields.add(detail::percent_decoded(name, true), detail::percent_decoded(value, true));
  });
  return fields;
}

struct QueryLimits {
  std::size_t fields = 1000;
  std::size_t bytes = 64 * 1024;  // as sent; the app's limits.head holds for the whole head anyway
};

// The request's query. Refusal 414 where it is too long, 413 where it has too many fields, 400 where it is malformed.
inline Fields query(const Env& env, const QueryLimits& limits = {}) {
  const std::string_view text = env["QUERY_STRING"];
  if (text.size() > limits.bytes) throw Refusal(414, "the query is longer than this page takes");
  return parse_urlencoded(text, limits.fields);
}

// The opposite: `a=1&b=x%20y`, for links and for `Content-Type: application/x-www-form-urlencoded`. Spaces become %20,
// which every reader takes for a space.
inline std::string to_query(const Fields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    if (!text.empty()) text.push_back('&');
    text.append(encode_url(name)).append("=").append(encode_url(value));
  }
  return text;
}

}  // namespace web
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_WEB_QUERY_HPP
