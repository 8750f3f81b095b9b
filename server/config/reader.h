// From YAML to Config. The only place of the program that knows yaml-cpp; its exceptions stop here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "config/config.h"

namespace forklift::config {

// One thing that is wrong with a configuration, for people:
// `conf/app.yaml:7:5: unknown key "timeout"; did you mean "timeouts"?`
struct Finding {
  Position position;
  std::string message;

  std::string to_string() const;
};

using Findings = std::vector<Finding>;  // in the order of the files; never empty where it stands for a failure

// Reads and validates `path` and the files that it includes. All semantic findings come in one go; a syntax error ends
// the reading of its file and is the last one there. Does not look at anything but these files: that a plugin exists or
// a port is free is found out later.
tl::expected<Config, Findings> read_file(const std::string& path);

// The same from text, for tests and fuzzing; `path` is what positions name and what relative paths are relative to.
// Opens no file: what `include` names is left out.
tl::expected<Config, Findings> read_text(std::string_view text, const std::string& path);

}  // namespace forklift::config
