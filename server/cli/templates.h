// The files of plugin-api/templates, which the build has put into this program (embed.cmake).
#pragma once

#include <span>
#include <string_view>

namespace forklift::cli {

struct Template {
  std::string_view language;  // the folder: `c`, `c++`, `rust`
  std::string_view path;      // in it
  std::string_view text;
};

std::span<const Template> all_templates();

}  // namespace forklift::cli
