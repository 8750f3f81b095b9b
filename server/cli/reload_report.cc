#include "cli/reload_report.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/quote.h"
#include "cli/table.h"

namespace forklift::cli {

namespace {

std::string lines_of(const Json& event, const std::string& name, std::string_view before) {
  const auto texts = array_of(event, name);
  std::string lines;
  for (std::size_t i = 0; i < texts->size(); ++i) {
    lines += fmt::format("{}{}\n", before, escape_controls(texts->get(static_cast<unsigned>(i)).toString()));
  }
  return lines;
}

}  // namespace

std::string describe_progress(const Json& event) {
  const std::string app = fmt::format("app \"{}\": ", text_of(event, "app"));
  const std::string text = text_of(event, "text");
  return escape_controls(text.starts_with(app) ? text : app + text);
}

ReloadReport describe_finished(const Json& event) {
  std::vector<Row> rows{{"APP", "OUTCOME", "GENERATION", "VERSION", "REASON"}};
  const auto apps = array_of(event, "apps");
  for (std::size_t i = 0; i < apps->size(); ++i) {
    const Json app = item_of(apps, i);
    const std::string generation = text_of(app, "generation");
    rows.push_back({text_of(app, "app"), text_of(app, "outcome"), generation == "0" ? "-" : generation,
                    describe_version(app), text_of(app, "reason")});
  }
  std::string problems = lines_of(event, "problems", "");
  if (!problems.empty()) problems += "nothing has changed\n";
  return {.ok = truth_of(event, "ok"),
          .text = (rows.size() > 1 ? table(rows) : "") + lines_of(event, "notes", "note: "),
          .problems = std::move(problems)};
}

}  // namespace forklift::cli
