#include "config/reader.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>

#include "config/address.h"
#include "config/checks.h"
#include "config/document.h"
#include "config/path_checks.h"
#include "config/paths.h"
#include "config/scrub.h"
#include "config/source.h"
#include "config/value.h"

namespace forklift::config {

namespace {

// Where to look for a finding: its file's place among those that were read, then line and column.
auto place_of(const Finding& finding, const std::vector<Source>& sources) {
  const auto source = std::ranges::find(sources, finding.position.file, &Source::name);
  return std::tuple(source - sources.begin(), finding.position.line, finding.position.column);
}

// In the order of the files, each once: what stands behind an anchor, or in `defaults`, is read again wherever it is
// used.
void tidy(Findings& findings, const std::vector<Source>& sources) {
  std::set<std::string> seen;
  std::erase_if(findings, [&](const Finding& finding) { return !seen.insert(finding.to_string()).second; });
  std::ranges::stable_sort(findings, {}, [&](const Finding& finding) { return place_of(finding, sources); });
}

// Where it is not written, it follows from runtime_dir, which may be too long for it.
void complete_control(Reading& reading, const Node& root) {
  if (find_child(root, "control")) return;
  std::string& control = reading.config.control;
  control = default_control(reading.config.runtime_dir);
  if (auto fits = check_unix_path(control); !fits) {
    const Node* runtime_dir = find_child(root, "runtime_dir");
    reading.complain(runtime_dir ? runtime_dir->mark : root.mark,
                     fmt::format("control: {}; write a shorter runtime_dir, or control", fits.error().message()));
  }
}

void read_root(Reading& reading, const Node& root) {
  if (root.kind != Node::Kind::kMap) {
    return reading.complain(root.mark, "must be a map of keys; write \"apps:\" and the apps below it");
  }
  const Node* defaults = find_child(root, "defaults");
  if (defaults && defaults->kind == Node::Kind::kMap) reading.defaults = defaults;
  read_keys(reading, root, "");
  complete_control(reading, root);

  const Node* apps = find_child(root, "apps");
  const Node* include = find_child(root, "include");
  if (!apps && !include) {
    reading.complain(root.mark, "key \"apps\" is missing");
  } else if (!include && apps->kind == Node::Kind::kList && apps->children.empty()) {
    reading.complain(apps->mark, "apps: names no app; write at least one");
  } else if (include && reading.follow_includes && reading.config.apps.empty() && reading.findings.empty()) {
    reading.complain(include->mark, "include: no file brings an app, and none stands here; write at least one");
  }
  std::ranges::move(check_apps(reading.config.apps), std::back_inserter(reading.findings));
  std::ranges::move(check_paths(reading, root), std::back_inserter(reading.findings));
}

tl::expected<Config, Findings> read(std::string_view text, const std::string& path, bool follow_includes) {
  Reading reading;
  reading.follow_includes = follow_includes;
  reading.config.file = real_path(path);
  reading.config.runtime_dir = default_runtime_dir(reading.config.file, ::geteuid(), std::getenv("XDG_RUNTIME_DIR"));
  reading.sources.push_back({path, reading.config.file});

  if (const auto document = parse_document(text, path, reading.findings)) read_root(reading, *document);
  if (reading.findings.empty()) return std::move(reading.config);
  tidy(reading.findings, reading.sources);
  return tl::unexpected(std::move(reading.findings));
}

// A frame of its own, which is part of what Traceless wipes.
__attribute__((noinline)) tl::expected<Config, Findings> read_traced(const std::string& path) {
  const auto text = read_source(path);
  if (!text) return tl::unexpected(Findings{{{path, 0, 0}, text.error().message()}});
  return read(*text, path, true);
}

}  // namespace

std::string Finding::to_string() const {
  return fmt::format("{}: {}", position.to_string(), message);
}

tl::expected<Config, Findings> read_text(std::string_view text, const std::string& path) {
  return read(text, path, false);
}

tl::expected<Config, Findings> read_file(const std::string& path) {
  const Traceless nothing_stays;
  return read_traced(path);
}

}  // namespace forklift::config
