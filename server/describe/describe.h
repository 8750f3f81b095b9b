// What is written about the configuration's keys, made from their table (config/keys.h): an example with every key, a
// schema for editors, a manual page. Nothing of it is in the server: the target `describe` writes the files, which are
// committed, and a test compares them with the table.
#pragma once

#include <string>
#include <string_view>

#include "config/keys.h"

namespace forklift::describe {

// The files that are made, and what they are made from; relative to the root of the repository.
inline constexpr std::string_view kExampleFile = "conf/full.yaml";
inline constexpr std::string_view kExampleForm = "server/describe/full.yaml.in";
inline constexpr std::string_view kSchemaFile = "conf/forklift.schema.json";
inline constexpr std::string_view kManualFile = "server/man/forklift.yaml.5";
inline constexpr std::string_view kManualForm = "server/describe/forklift.yaml.5.in";

// `form` with every supported key in the place of the line `@KEYS@`. A key whose default can be written has that; else
// it is commented out and has an example. To take a `#` away is enough to have the key: its columns are right.
std::string example(std::string_view form);

// JSON Schema, draft 7, as yaml-language-server and its kin have it. Ranges of sizes with a unit and what depends on
// other keys are left to `forklift check`.
std::string schema();

// forklift.yaml(5) for man(7): `form` with every supported key in the place of the line `@KEYS@`.
std::string manual(std::string_view form);

// What a key means, and in brackets what its value may be and what it is by default, where that is not
// shown elsewhere: `workers that are started at once and kept (a number, 0 to 10000; default: 1)`.
enum class DefaultValue { kNamed, kShownElsewhere };
std::string explain(const config::Key& key, DefaultValue value);

// Whether a value of the key is a map with keys in the table, or a list of such.
bool has_keys(const config::Key& key);

// Whether a supported key belongs to `parent`. Within `defaults` the parent is `apps[]`, but not all of its keys are
// there.
bool stands_in(const config::Key& key, std::string_view parent, bool as_defaults);

}  // namespace forklift::describe
