#include "config/include.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/quote.h"
#include "config/apps.h"
#include "config/paths.h"
#include "config/source.h"
#include "config/value.h"

namespace forklift::config {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSourcesMax = 1000;

bool is_pattern(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

// The names in `folder` that match, in the order of their bytes; none where there is no folder.
Result<std::vector<std::string>> find_matches(const fs::path& folder, const std::string& pattern) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename();
    if (::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0) names.push_back(std::move(name));
  }
  if (error && error != std::errc::no_such_file_or_directory) return fail_errno("cannot be searched", error.value());
  std::ranges::sort(names);
  return names;
}

void mark_source(Node& node, std::size_t source) {
  node.mark.source = node.name_mark.source = source;
  for (Node& child : node.children) mark_source(child, source);
}

// People look for a file by the way that the configuration names it, starting from the name that they gave for that.
std::string shown_name(const Reading& reading, const Node& item, const std::string& file, const std::string& real) {
  const fs::path folder = fs::path(reading.sources[0].name).parent_path();
  const fs::path shown = (folder / fs::path(item.text).parent_path() / file).lexically_normal();
  return real_path(shown) == real ? shown.string() : real;
}

void refuse_other_keys(Reading& reading, const Node& root) {
  for (const Node& child : root.children) {
    if (child.name == "apps") continue;
    const Key* key = find_key("", child.name);
    reading.complain(child.name_mark,
                     key ? fmt::format("key \"{}\" cannot stand in an included file, which holds \"apps\" and nothing "
                                       "else; write it in {}",
                                       key->name(), reading.sources[0].name)
                         : explain_unknown("", child.name));
  }
}

void read_included(Reading& reading, const Node& root) {
  if (root.kind != Node::Kind::kMap) {
    return reading.complain(root.mark, "must be a map with the key \"apps\" and the apps below it");
  }
  refuse_other_keys(reading, root);
  const Node* apps = find_child(root, "apps");
  if (!apps) return reading.complain(root.mark, "key \"apps\" is missing");
  Value value(reading, *find_key("", "apps"), *apps);
  read_apps(value);
}

// `path` is absolute, and belongs to `item` of the list.
void include_file(Value& list, const Node& item, const fs::path& path) {
  Reading& reading = list.reading();
  const std::string real = real_path(path);
  if (real == reading.config.file) {
    return list.refuse_at(item, fmt::format("{} includes this file itself", quote(item.text, 60)));
  }
  if (std::ranges::find(reading.sources, real, &Source::real) != reading.sources.end()) return;
  if (reading.sources.size() > kSourcesMax) {
    return list.refuse_at(item, fmt::format("names more than {} files", kSourcesMax));
  }
  const auto text = read_source(real);
  if (!text) return list.refuse_at(item, fmt::format("{} {}", quote(path.string(), 200), text.error().message()));

  const std::size_t source = reading.sources.size();
  reading.sources.push_back({shown_name(reading, item, path.filename(), real), real});
  auto root = parse_document(*text, reading.sources[source].name, reading.findings);
  if (!root) return;
  mark_source(*root, source);
  read_included(reading, *root);
}

void read_item(Value& list, const Node& item) {
  const auto refuse = [&](std::string_view reason) {
    list.refuse_at(item, fmt::format("{} {}", quote(item.text, 60), reason));
  };
  if (item.kind != Node::Kind::kScalar) return list.refuse_at(item, "each entry must be a path, such as conf.d/*.yaml");
  const fs::path written = item.text;
  const std::string name = written.filename();
  if (name.empty()) return refuse("names no file; write which, such as conf.d/*.yaml");
  if (auto shows = check_shows(item.text); !shows) return list.refuse_at(item, shows.error().message());
  if (is_pattern(written.parent_path().string())) {
    return refuse("has a pattern in the name of a folder; only the last part can be one");
  }
  const Reading& reading = list.reading();
  if (!reading.follow_includes) return;

  const fs::path folder = resolve(written.parent_path().string(), reading.folder(item.mark));
  if (!is_pattern(name)) return include_file(list, item, folder / name);
  const auto matches = find_matches(folder, name);
  if (!matches) return refuse(matches.error().message());
  for (const std::string& match : *matches) include_file(list, item, folder / match);
}

}  // namespace

void read_include(Value& value) {
  if (value.node().kind != Node::Kind::kList) return value.refuse("must be a list; write [ conf.d/*.yaml ]");
  for (const Node& item : value.node().children) read_item(value, item);
}

}  // namespace forklift::config
