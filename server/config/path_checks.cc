#include "config/path_checks.h"

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "config/paths.h"

namespace forklift::config {

namespace {

enum class For : std::uint8_t { kLog, kPlugin, kListener, kOneThing };

struct Use {
  For what = For::kOneThing;
  std::string key;
  Position position;
};

class Paths {
 public:
  void enter(const std::string& path, Use use) {
    if (path.empty() || path.front() != '/') return;
    const auto [first, is_new] = uses_.try_emplace(path, use);
    const Use& other = first->second;
    if (is_new || (use.what == other.what && use.what != For::kOneThing)) return;
    findings_.push_back({use.position, fmt::format("{}: {} is that of {} too ({}); write another one", use.key, path,
                                                   other.key, other.position.to_string())});
  }
  Findings take_findings() { return std::move(findings_); }

 private:
  std::map<std::string, Use> uses_;
  Findings findings_;
};

// Where `parent` has `key`; where `parent` itself stands if it has not.
const Node& child_or_self(const Node& parent, std::string_view key) {
  const Node* child = find_child(parent, key);
  return child ? *child : parent;
}

void enter_app(Paths& paths, const App& app) {
  paths.enter(app.plugin, {For::kPlugin, "plugin", app.place("plugin")});
  for (const Listen& listen : app.listen) {
    if (listen.address.family != Address::Family::kUnix) continue;
    paths.enter(listen.address.path, {For::kListener, "listen", listen.position});
  }
  paths.enter(app.access_log.file, {For::kLog, "access_log.file", app.place("access_log.file")});
}

}  // namespace

Findings check_paths(const Reading& reading, const Node& root) {
  Paths paths;
  const Config& config = reading.config;
  const auto place = [&](const Node& node) { return reading.position(node.mark); };
  for (const Source& source : reading.sources) {
    paths.enter(source.real, {For::kOneThing, "the configuration", {source.name, 0, 0}});
  }
  const Node& runtime_dir = child_or_self(root, "runtime_dir");
  paths.enter(resolve("lock", config.runtime_dir), {For::kOneThing, "the lock of runtime_dir", place(runtime_dir)});
  paths.enter(config.control, {For::kOneThing, "control", place(child_or_self(root, "control"))});
  paths.enter(config.pid_file, {For::kOneThing, "pid_file", place(child_or_self(root, "pid_file"))});
  paths.enter(config.log.file, {For::kLog, "log.file", place(child_or_self(child_or_self(root, "log"), "file"))});
  for (const App& app : config.apps) enter_app(paths, app);
  return paths.take_findings();
}

}  // namespace forklift::config
