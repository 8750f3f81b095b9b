// forklift/web/json.hpp - JSON in and out, RFC 8259
//
// Not part of forklift/web.hpp: it takes Poco (Debian: libpoco-dev), which the plugin then links, `-lPocoJSON
// -lPocoFoundation` or in CMake find_package(Poco COMPONENTS JSON) and Poco::JSON.
//
//     const auto order = forklift::web::read_json(env, body).extract<Poco::JSON::Object::Ptr>();
//     Poco::JSON::Object answer;
//     answer.set("total", 42);
//     forklift::web::respond_json(out, 200, answer);
//
// The server itself runs on the distribution's Poco, and a worker has one copy of a library: build the plugin against
// the same.
#ifndef FORKLIFT_WEB_JSON_HPP
#define FORKLIFT_WEB_JSON_HPP

#include <Poco/Dynamic/Var.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/JSON/Stringifier.h>

#include <cstddef>
#include <forklift/request.hpp>
#include <forklift/response.hpp>
#include <forklift/web/detail/text.hpp>
#include <forklift/web/refusal.hpp>
#include <sstream>
#include <string>
#include <string_view>

namespace forklift {
inline namespace api {
namespace web {

struct JsonLimits {
  std::size_t bytes =
      256 * 1024;          // of the text. The tree of "[{},{},{},..." takes 260 times as much with Poco 1.11: 65 MB
  std::size_t depth = 32;  // of arrays and objects in each other
};

// The tree of a JSON text, which is an object (require_object() below) or an array: Poco takes no other. Refusal 400
// where it is malformed or too deep, or has a number that 64 bits don't hold; 413 where it is too long. Of a name that
// comes twice in an object the last counts.
inline Poco::Dynamic::Var parse_json(const std::string& text, const JsonLimits& limits = {}) {
  if (text.size() > limits.bytes) throw Refusal(413, "the JSON is longer than this page takes");
  try {
    Poco::JSON::Parser parser;
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
// each "<", which could begin the end of that, is written as an escape.
inline std::string to_json(const Poco::Dynamic::Var& value) {
  std::ostringstream stream;
  Poco::JSON::Stringifier::stringify(value, stream);
  const std::string plain = stream.str();
  std::string text;
  text.reserve(plain.size());
  for (const char c : plain) {  // outside of strings JSON has no "<"
    if (c == '<') {
      text.append("\\u003c");
    } else {
      text.push_back(c);
    }
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
