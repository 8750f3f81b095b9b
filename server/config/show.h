// The configuration on its way back from the structs into a tree: the counterpart of value.h.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "config/document.h"

namespace forklift::config {

struct Key;

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

// The keys whose values take more than a line to show. Called by the table in key_table.cc.
Node show_section(const Subject& subject, const Key& key);
Node show_log_file(const Subject& subject, const Key& key);
Node show_access_log_file(const Subject& subject, const Key& key);
Node show_access_log_format(const Subject& subject, const Key& key);
Node show_apps(const Subject& subject, const Key& key);
Node show_app_name(const Subject& subject, const Key& key);
Node show_listen(const Subject& subject, const Key& key);
Node show_listen_address(const Subject& subject, const Key& key);
Node show_probe(const Subject& subject, const Key& key);
Node show_settings(const Subject& subject, const Key& key);

}  // namespace forklift::config
