// JSON that a server has sent. What is missing, or of another kind than expected, is empty: another version may say
// less.
#pragma once

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace forklift::cli {

using Json = Poco::JSON::Object::Ptr;

// The object that `line` is.
Result<Json> parse_object(std::string_view line);

// Of an object, which may be null: numbers and truth values are texts as well.
std::string text_of(const Json& object, const std::string& name);
double number_of(const Json& object, const std::string& name);
bool truth_of(const Json& object, const std::string& name);
Json object_of(const Json& object, const std::string& name);                   // may be null
Poco::JSON::Array::Ptr array_of(const Json& object, const std::string& name);  // is never null
Json item_of(const Poco::JSON::Array::Ptr& array, std::size_t index);          // may be null

// Of an app: `2.1 (9f2c11de8f0b)`, which is its plugin's version, with the first digits of its build id.
std::string describe_version(const Json& app);

}  // namespace forklift::cli
