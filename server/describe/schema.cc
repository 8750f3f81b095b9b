#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <fmt/format.h>

#include <initializer_list>
#include <sstream>

#include "describe/describe.h"

namespace forklift::describe {

namespace {

using config::Key;
using config::Type;
using Kind = Type::Kind;
using Poco::JSON::Array;
using Poco::JSON::Object;

using Entry = std::pair<const char*, Poco::Dynamic::Var>;

Object object(std::initializer_list<Entry> entries = {}) {
  Object made(Poco::JSON_PRESERVE_KEY_ORDER);
  for (const auto& [name, value] : entries) made.set(name, value);
  return made;
}

Array array(std::initializer_list<Poco::Dynamic::Var> values) {
  Array made;
  for (const auto& value : values) made.add(value);
  return made;
}

Object any_of(std::initializer_list<Poco::Dynamic::Var> choices) {
  return object({{"anyOf", array(choices)}});
}

Object text_like(const char* pattern) {
  return object({{"type", "string"}, {"pattern", pattern}});
}

// A value as JSON has it.
Poco::Dynamic::Var to_json(std::string_view yaml) {
  if (yaml == "{}") return object();
  if (yaml == "[]") return Array();
  if (yaml == "true" || yaml == "false") return yaml == "true";
  if (yaml.find_first_not_of("0123456789") == std::string_view::npos) return std::stoull(std::string(yaml));
  if (yaml.starts_with('"')) yaml = yaml.substr(1, yaml.size() - 2);
  return std::string(yaml);
}

Object integer(const Type& type) {
  Object made = object({{"type", "integer"}, {"minimum", type.min}});
  if (type.max != Type::kUnbounded) made.set("maximum", type.max);
  return made;
}

Object one_of_words(const Type& type) {
  Array words;
  for (const std::string_view word : type.known_words()) words.add(to_json(word));
  return object({{"enum", words}});
}

Object keys_of(std::string_view parent, bool as_defaults);

Object value_of(const Key& key, bool as_defaults);

Object listen(const Key& key) {
  const Key& address = *config::find_key("apps[].listen[]", "address");
  const Object one = any_of({value_of(address, false), keys_of(std::string(key.path) + "[]", false)});
  return any_of({one, object({{"type", "array"}, {"items", one}, {"minItems", 1}})});
}

Object variables() {
  return object({{"type", "object"},
                 {"propertyNames", text_like("^[A-Za-z_][A-Za-z0-9_]*$")},
                 {"additionalProperties", object({{"type", array({"string", "number", "boolean"})}})}});
}

Object plain_value_of(const Key& key, bool as_defaults) {
  const Type& type = key.type;
  switch (type.kind) {
    case Kind::kSection: return keys_of(key.path, as_defaults);
    case Kind::kDefaults: return keys_of("apps[]", true);
    case Kind::kApps: return object({{"type", "array"}, {"items", keys_of("apps[]", false)}});
    case Kind::kListen: return listen(key);
    case Kind::kPatterns: return object({{"type", "array"}, {"items", text_like(".")}});
    case Kind::kTree: return object();
    case Kind::kMap: return variables();
    case Kind::kName: return text_like(fmt::format("^[a-z0-9_-]{{{},{}}}$", type.min, type.max).c_str());
    case Kind::kPath: return text_like(".");
    case Kind::kAddress:
      return any_of({object({{"type", "integer"}, {"minimum", 0}, {"maximum", 65535}}), text_like("^([0-9]+|.+:.+)$")});
    case Kind::kAccount: return any_of({integer(type), text_like(".")});
    // An octal number without quotes is one integer to YAML 1.1 and another to YAML 1.2.
    case Kind::kOctal: return any_of({object({{"type", "integer"}, {"minimum", 0}}), text_like("^0*[0-7]{1,3}$")});
    case Kind::kFormat: return text_like(".");
    case Kind::kRequest: return text_like("^(GET|HEAD) /[!-~]*$");
    case Kind::kWord: return one_of_words(type);
    case Kind::kCount: return integer(type);
    case Kind::kSize: return any_of({integer(type), text_like("^(0|[1-9][0-9]*)[KMG]?$")});
    case Kind::kPercent: return text_like("^(0|[1-9][0-9]?)%$");
    case Kind::kDuration: break;
  }
  if (type.min > 0) return text_like("^[1-9][0-9]*(ms|s|m|h)$");
  return any_of({object({{"enum", array({0})}}), text_like("^(0|(0|[1-9][0-9]*)(ms|s|m|h))$")});
}

Object value_of(const Key& key, bool as_defaults) {
  Object made = plain_value_of(key, as_defaults);
  const bool has_text_of_its_own = key.type.kind == Kind::kPath || key.type.kind == Kind::kFormat;
  if (key.type.kind == Kind::kWord || has_text_of_its_own || key.type.known_words().empty()) return made;
  return any_of({one_of_words(key.type), made});
}

Object describe_key(const Key& key, bool as_defaults) {
  Object made = object({{"description", explain(key, DefaultValue::kShownElsewhere)}});
  if (!key.absent.value.empty()) made.set("default", to_json(key.absent.value));
  const Object value = value_of(key, as_defaults);
  for (const std::string& name : value.getNames()) made.set(name, value.get(name));
  return made;
}

Object keys_of(std::string_view parent, bool as_defaults) {
  Object properties = object();
  Array required;
  for (const Key& key : config::all_keys()) {
    if (!stands_in(key, parent, as_defaults)) continue;
    properties.set(std::string(key.name()), describe_key(key, as_defaults));
    if (key.absent.required) required.add(std::string(key.name()));
  }
  Object made = object({{"type", "object"}, {"properties", properties}, {"additionalProperties", false}});
  // What an app says itself completes the defaults.
  if (required.size() > 0 && !as_defaults) made.set("required", required);
  return made;
}

}  // namespace

std::string schema() {
  Object made = object({{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "Forklift's configuration"}});
  const Object keys = keys_of("", false);
  for (const std::string& name : keys.getNames()) made.set(name, keys.get(name));
  made.set("anyOf", array({object({{"required", array({"apps"})}}), object({{"required", array({"include"})}})}));
  std::ostringstream text;
  made.stringify(text, 2);
  return text.str() + "\n";
}

}  // namespace forklift::describe
