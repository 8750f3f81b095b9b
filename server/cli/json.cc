#include "cli/json.h"

#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

namespace forklift::cli {

using Poco::JSON::Array;

Result<Json> parse_object(std::string_view line) {
  try {
    Poco::JSON::Parser parser;
    return parser.parse(std::string(line)).extract<Json>();
  } catch (const std::exception&) {
    return fail("the answer is none of a forklift server");
  }
}

std::string text_of(const Json& object, const std::string& name) {
  if (!object || !object->has(name) || object->isNull(name)) return "";
  if (object->isObject(name) || object->isArray(name)) return "";
  return object->get(name).toString();
}

double number_of(const Json& object, const std::string& name) {
  if (!object || !object->has(name) || !object->get(name).isNumeric()) return 0;
  return object->get(name).convert<double>();
}

bool truth_of(const Json& object, const std::string& name) {
  return text_of(object, name) == "true";
}

Json object_of(const Json& object, const std::string& name) {
  return object ? object->getObject(name) : Json();
}

Array::Ptr array_of(const Json& object, const std::string& name) {
  Array::Ptr array = object ? object->getArray(name) : Array::Ptr();
  return array ? array : Array::Ptr(new Array);
}

std::string describe_version(const Json& app) {
  const std::string version = text_of(app, "plugin_version");
  const std::string build_id = text_of(app, "build_id").substr(0, 12);
  if (build_id.empty()) return version.empty() ? "-" : version;
  return fmt::format("{}{}({})", version, version.empty() ? "" : " ", build_id);
}

Json item_of(const Array::Ptr& array, std::size_t index) {
  return array->getObject(static_cast<unsigned>(index));
}

}  // namespace forklift::cli
