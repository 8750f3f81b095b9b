#include "cli/new_project.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/quote.h"
#include "cli/project.h"
#include "cli/terminal.h"

namespace forklift::cli {

namespace {

constexpr std::string_view kLanguages[] = {"c", "c++", "rust"};

Result<std::string_view> language_of(const Arguments& arguments) {
  std::string_view language;
  for (const std::string_view each : kLanguages) {
    if (!arguments.has(each)) continue;
    if (!language.empty()) return fail("--{} and --{}: one is enough", language, each);
    language = each;
  }
  return language.empty() ? "c++" : language;
}

std::string_view build_command(std::string_view language) {
  return language == "rust" ? "cargo build --release && cargo test"
                            : "cmake -S . -B build && cmake --build build && ctest --test-dir build";
}

int refuse(const Error& error, int status) {
  complain(fmt::format("forklift: {}\n", error.message()));
  return status;
}

}  // namespace

int new_project(const Arguments& arguments) {
  const std::string name = arguments.operand();
  const auto language = language_of(arguments);
  if (!language) return refuse(language.error(), kUsage);
  if (const auto good = check_project_name(name); !good) return refuse(good.error(), kUsage);
  const std::string directory = arguments.value("directory").value_or("");
  const auto folder = make_project(directory, name, project_files(*language, name));
  if (!folder) return refuse(folder.error(), kFailed);
  return tell(fmt::format("{}: a plugin in {}; README.md says how to go on. To begin with:\n  cd {} && {}\n",
                          escape_controls(*folder),
                          *language == "rust" ? "Rust"
                          : *language == "c"  ? "C"
                                              : "C++",
                          escape_controls(*folder), build_command(*language)));
}

}  // namespace forklift::cli
