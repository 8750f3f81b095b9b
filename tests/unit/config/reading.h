// Short ways to configurations and to what is wrong with them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "config/reader.h"

namespace forklift::config {

// An app that is complete, and below it, from line 5 and column 5 on, `more`.
inline std::string app_with(std::string_view more) {
  return "apps:\n  - name: a\n    plugin: a.so\n    listen: 4000\n    " + std::string(more) + "\n";
}

// The same with other listeners, in line 4, column 13.
inline std::string app_on(std::string_view listen) {
  return "apps:\n  - name: a\n    plugin: a.so\n    listen: " + std::string(listen) + "\n";
}

inline std::string show(const Findings& findings) {
  std::string text;
  for (const Finding& finding : findings) text += (text.empty() ? "" : "\n") + finding.to_string();
  return text;
}

// What a configuration without a finding says.
inline Config good(std::string_view text, const std::string& path = "/srv/conf/app.yaml") {
  auto config = read_text(text, path);
  EXPECT_TRUE(config) << show(config.error());
  return config ? std::move(*config) : Config{};
}

inline void forget_places(Settings& settings) {
  settings.position = {};
  for (auto& [name, child] : settings.children) forget_places(child);
}

// What two configurations have in common that differ in their texts only: neither places nor the order of limits.
inline Config without_places(Config config) {
  for (App& app : config.apps) {
    app.position = {};
    std::ranges::sort(app.confinement.rlimits, {}, &Rlimit::resource);
    for (Listen& listen : app.listen) listen.position = {};
    forget_places(app.settings);
  }
  return config;
}

// All findings, one a line, or "fine".
inline std::string verdict(std::string_view text, const std::string& path = "app.yaml") {
  const auto config = read_text(text, path);
  return config ? "fine" : show(config.error());
}

}  // namespace forklift::config
