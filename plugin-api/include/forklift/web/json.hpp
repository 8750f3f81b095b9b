// forklift/web/json.hpp - JSON in and out, RFC 8259
//
// Not part of forklift/web.hpp: it takes Poco (Debian: libpoco-dev), which the plugin then links, `-lPocoJSON
// -lPocoFoundation` or in CMake find_package(Poco COMPONENTS JSON) and Poco::JSON.
//
//     namespace web = forklift::web;
//     const auto order = web::require_object(web::read_json(env, body));
//     const auto count = web::require_member<int>(order, "count");
//     Poco::JSON::Object answer;
//     answer.set("total", 3 * count);
//     web::respond_json(out, 200, answer);
//
// POCO'S EXCEPTIONS ARE NO REFUSALS: extract(), getValue() and convert() throw them where a client has sent something
// else, and the request is a 500. Take what is required by the functions here, which throw Refusals, and ask before you
// take the rest: has(), isString(), isInteger(), isNumeric(); getArray() and getObject() give a null pointer.
//
// The server itself runs on the distribution's Poco, and a worker has one copy of a library: build the plugin against
// the same.
#ifndef FORKLIFT_WEB_JSON_HPP
#define FORKLIFT_WEB_JSON_HPP

#include <Poco/Dynamic/Var.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/ParseHandler.h>
#include <Poco/JSON/Parser.h>
#include <Poco/JSON/Stringifier.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <forklift/request.hpp>
#include <forklift/response.hpp>
#include <forklift/web/detail/text.hpp>
#include <forklift/web/refusal.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace forklift {
inline namespace api {
namespace web {

struct JsonLimits {
  std::size_t bytes = 256 * 1024;  // of the text. The tree of "[{},{},..." takes 260 times as much (Poco 1.11): 65 MB
  std::size_t depth = 32;          // of arrays and objects in each other
};

namespace detail {

// Reads the integers itself: Poco 1.11 makes other numbers of negative ones beyond 2^53, and of what is a little too
// large for 64 bits.
class ExactIntegers final : public Poco::JSON::ParseHandler {
 public:
  // `json` is what the parser parses, and lives as long as that does.
  explicit ExactIntegers(std::string_view json) : rest_(json) {}

  using ParseHandler::value;
  void value(int) override { take(); }
  void value(unsigned) override { take(); }
  void value(Poco::Int64) override { take(); }
  void value(Poco::UInt64) override { take(); }

 private:
  // The parser has come to the next integer.
  void take() {
    const std::string_view digits = next();
    Poco::Int64 number = 0;
    Poco::UInt64 large = 0;
    if (read(digits, number)) {
      ParseHandler::value(number);
    } else if (read(digits, large)) {
      ParseHandler::value(large);
    } else {
      throw Poco::RangeException();
    }
  }

  std::string_view next() {
    while (!rest_.empty()) {
      if (rest_.front() == '"') {
        skip_string();
      } else if (rest_.front() == '-' || is_digit(rest_.front())) {
        const std::size_t end = std::min(rest_.find_first_not_of("+-.0123456789Ee"), rest_.size());
        const std::string_view number = rest_.substr(0, end);
        rest_.remove_prefix(end);
        if (number.find_first_of(".Ee") == number.npos) return number;
      } else {
        rest_.remove_prefix(1);
      }
    }
    return rest_;
  }

  void skip_string() {
    std::size_t at = 1;
    while (at < rest_.size() && rest_[at] != '"') at += rest_[at] == '\\' ? 2U : 1U;
    rest_.remove_prefix(std::min(at + 1, rest_.size()));
  }

  template <class Number>
  static bool read(std::string_view digits, Number& number) {
    return std::from_chars(digits.data(), digits.data() + digits.size(), number).ec == std::errc();
  }

  std::string_view rest_;  // behind the last integer
};

}  // namespace detail

// The tree of a JSON text, which is an object (require_object() below) or an array: Poco takes no other. Refusal 400
// where it is malformed or too deep, or has a number that 64 bits don't hold; 413 where it is too long. Of a name that
// comes twice in an object the last counts.
inline Poco::Dynamic::Var parse_json(const std::string& text, const JsonLimits& limits = {}) {
  if (text.size() > limits.bytes) throw Refusal(413, "the JSON is longer than this page takes");
  try {
    Poco::JSON::Parser parser(new detail::ExactIntegers(text));  // the parser's
    parser.setDepth(limits.depth);
    return parser.parse(text);
  } catch (const Poco::Exception&) {
    // Its message has bytes of the text in it, which are not for showing as they are.
    throw Refusal(400, "the body is not JSON that this page takes");
  }
}

// The object that `json` is. Refusal 400 if it is none.
inline Poco::JSON::Object::Ptr require_object(const Poco::Dynamic::Var& json) {
  if (json.type() != typeid(Poco::JSON::Object::Ptr)) throw Refusal(400, "the JSON is not an object");
  return json.extract<Poco::JSON::Object::Ptr>();
}

// The member `name` of `object`: a std::string, a bool or a number. Refusal 400 where there is none, or it is of
// another kind, or a number that T does not hold: an integer type takes no 1.0, and no text is a number.
template <class T>
T require_member(const Poco::JSON::Object::Ptr& object, const std::string& name) {
  static_assert(std::is_same_v<T, std::string> || std::is_arithmetic_v<T>, "a std::string, a bool or a number");
  const Poco::Dynamic::Var value = object->get(name);
  const bool is_number = value.isNumeric() && !value.isBoolean();
  const bool is_kind = std::is_same_v<T, std::string> ? value.isString()
                       : std::is_same_v<T, bool>      ? value.isBoolean()
                       : std::is_integral_v<T>        ? is_number && value.isInteger()
                                                      : is_number;
  try {
    if (is_kind) return value.convert<T>();
  } catch (const Poco::Exception&) {
    // Too large, or negative.
  }
  throw Refusal(400, "the JSON has no \"" + name + "\" that this page takes");
}

// The body, as application/json or a type that ends in +json; Refusal 415 for others.
inline Poco::Dynamic::Var read_json(const Env& env, Body& body, const JsonLimits& limits = {}) {
  std::string_view rest = env["CONTENT_TYPE"];
  const std::string type = detail::lowered(detail::trimmed(detail::take_until(rest, ';')));
  const bool is_suffixed = type.size() > 5 && type.compare(type.size() - 5, 5, "+json") == 0;
  if (type != "application/json" && !is_suffixed) throw Refusal(415, "the body is not JSON");
  if (body.length() > limits.bytes) throw Refusal(413, "the JSON is longer than this page takes");
  return parse_json(body.read_all(limits.bytes), limits);
}

// The text of a value: of a Poco::JSON::Object or Array, and what they hold. It may also stand in a <script> of a page:
// each "<", which could begin the end of that, is written as an escape. A byte that is no UTF-8, as a client's text may
// have it, becomes U+FFFD. std::invalid_argument for a number that JSON has no text for: NaN and infinity.
inline std::string to_json(const Poco::Dynamic::Var& value) {
  std::ostringstream stream;
  Poco::JSON::Stringifier::stringify(value, stream);
  const std::string plain = stream.str();
  std::string text;
  text.reserve(plain.size());
  bool in_string = false;
  for (std::string_view rest = plain; !rest.empty();) {
    const std::size_t size = detail::utf8_sequence(rest);
    const char c = rest.front();
    if (!in_string && (c == 'i' || rest.substr(0, 3) == "nan")) {  // no true, false or null
      throw std::invalid_argument("a number that is not finite has no JSON");
    }
    if (c == '"') in_string = !in_string;
    if (size == 0) {
      text.append("\xef\xbf\xbd");
    } else if (c == '<') {  // outside of strings JSON has none
      text.append("\\u003c");
    } else {
      text.append(rest.substr(0, c == '\\' ? 2 : size));
    }
    rest.remove_prefix(c == '\\' ? 2 : std::max<std::size_t>(size, 1));
  }
  return text;
}

// Answers with it.
inline void respond_json(Out& out, int status, const Poco::Dynamic::Var& value) {
  const std::string text = to_json(value);
  out.begin(status, {{"Content-Type", "application/json"}, {"X-Content-Type-Options", "nosniff"}});
  out.write(text);
}

}  // namespace web
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_WEB_JSON_HPP
