// The configuration on its way back from the structs into a tree: the counterpart of value.h.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "config/document.h"

namespace forklift::config {

// What is shown: keys below `apps[]` and `apps[].listen[]` are those of this app and this listener.
struct Subject {
  const Config& config;
  const App* app = nullptr;
  const Listen* listen = nullptr;
};

// All keys of `parent` that have something to show, as a map in the order of the table.
Node show_keys(const Subject& subject, std::string_view parent);

Node scalar(std::string text);
// The same, but nothing for an empty text.
Node scalar_or_nothing(std::string text);

}  // namespace forklift::config
