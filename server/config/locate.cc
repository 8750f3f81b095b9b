#include "config/locate.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>

#include "config/document.h"
#include "config/paths.h"
#include "config/source.h"

namespace forklift::config {

namespace {

std::optional<std::string> text_of(const Node& root, std::string_view key) {
  const Node* child = root.kind == Node::Kind::kMap ? find_child(root, key) : nullptr;
  if (!child || child->kind != Node::Kind::kScalar || child->text.empty()) return std::nullopt;
  return child->text;
}

// In a file that is no YAML: the line that begins with the key, as if it stood alone.
std::optional<std::string> find_in_lines(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(key) || !line.substr(key.size()).starts_with(':')) continue;
    Findings ignored;
    if (const auto document = parse_document(line, "", ignored)) return text_of(*document, key);
  }
  return std::nullopt;
}

}  // namespace

std::string locate_control(const std::string& file) {
  const std::string real = real_path(file);
  const std::string folder = std::filesystem::path(real).parent_path().string();
  const std::string text = read_source(file).value_or("");
  Findings ignored;
  const auto document = parse_document(text, file, ignored);
  const auto find = [&](std::string_view key) { return document ? text_of(*document, key) : find_in_lines(text, key); };

  if (const auto control = find("control")) return resolve(*control, folder);
  if (const auto runtime_dir = find("runtime_dir")) return default_control(resolve(*runtime_dir, folder));
  return default_control(default_runtime_dir(real, ::geteuid(), std::getenv("XDG_RUNTIME_DIR")));
}

}  // namespace forklift::config
