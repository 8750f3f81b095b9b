#include "config/settings_file.h"

#include <algorithm>
#include <string_view>

#include "config/document.h"
#include "config/source.h"
#include "config/value.h"

namespace forklift::config {

namespace {

// Which parse_document() refuses in the words of a configuration.
bool is_blank(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin != line.npos && line[begin] != '#') return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

}  // namespace

tl::expected<Settings, Findings> read_settings(const std::string& path) {
  const auto text = read_source(path);
  if (!text) return tl::unexpected(Findings{{{path, 0, 0}, text.error().message()}});
  if (is_blank(*text)) return Settings{.kind = Settings::Kind::kMap, .scalar = {}, .children = {}, .position = {path}};
  Reading reading;
  reading.sources.push_back({path, path});
  const auto document = parse_document(*text, path, reading.findings);
  if (!reading.findings.empty()) return tl::unexpected(std::move(reading.findings));
  return to_settings(*document, reading);
}

}  // namespace forklift::config
