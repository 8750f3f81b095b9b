#include "config/yaml_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace forklift::config {

namespace {

// YAML ends the search for a key's colon after 1024 characters; a longer key has to be announced.
constexpr std::size_t kSimpleKeyMax = 1000;

// Plain text that YAML 1.1 or 1.2 takes for nothing, or for a truth value where somebody may have meant the word.
constexpr std::array<std::string_view, 9> kAmbiguous = {"null", "Null", "NULL", "yes", "no", "on", "off", "y", "n"};

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_plain_character(char c) {
  return is_alphanumeric(c) || std::string_view("_-./%+$:").find(c) != std::string_view::npos;
}

bool has_leading_zero(std::string_view text) {
  return text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

// YAML 1.1 takes 12:30 for 750.
bool may_be_sexagesimal(std::string_view text) {
  return text.front() >= '0' && text.front() <= '9' && text.find(':') != std::string_view::npos;
}

bool is_plain(std::string_view text) {
  if (text.empty() || !(is_alphanumeric(text.front()) || text.front() == '/' || text.front() == '_')) return false;
  if (text.back() == ':' || has_leading_zero(text) || may_be_sexagesimal(text)) return false;
  return std::ranges::all_of(text, is_plain_character) && std::ranges::find(kAmbiguous, text) == kAmbiguous.end();
}

void append_character(std::string& out, std::string_view bytes, char32_t code) {
  switch (code) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\t': out += "\\t"; return;
    case '\r': out += "\\r"; return;
    default: break;
  }
  if (is_harmless(code)) {
    out += bytes;
  } else if (code <= 0xff) {
    out += fmt::format("\\x{:02x}", static_cast<unsigned>(code));
  } else {
    out += fmt::format("\\U{:08x}", static_cast<unsigned>(code));
  }
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Utf8 character = first_character(text);
    // A byte that is no UTF-8 (of the folder that relative paths are relative to) has no escape in YAML.
    if (character.bytes == 0) {
      out += text.front();
    } else {
      append_character(out, text.substr(0, character.bytes), character.code);
    }
    text.remove_prefix(std::max<std::size_t>(character.bytes, 1));
  }
  return out + '"';
}

std::string indented(std::size_t columns) {
  return std::string(columns, ' ');
}

void append_children(std::string& out, const Node& node, std::size_t column);

// Behind a key's colon.
void append_value(std::string& out, const Node& node, std::size_t column) {
  switch (node.kind) {
    case Node::Kind::kNull: out += '\n'; return;
    case Node::Kind::kScalar: out += fmt::format(" {}\n", write_scalar(node.text)); return;
    case Node::Kind::kList:
    case Node::Kind::kMap: break;
  }
  if (node.children.empty()) {
    out += node.kind == Node::Kind::kList ? " []\n" : " {}\n";
    return;
  }
  out += '\n';
  append_children(out, node, column);
}

void append_entry(std::string& out, const Node& child, std::size_t column) {
  const std::string name = write_scalar(child.name);
  const bool announced = name.size() > kSimpleKeyMax;
  out += indented(column);
  out += announced ? fmt::format("? {}\n{}:", name, indented(column)) : name + ":";
  append_value(out, child, column + 2);
}

// The first line of a list or a map within a list stands behind the dash.
void append_item(std::string& out, const Node& child, std::size_t column) {
  out += indented(column) + "-";
  std::string value;
  append_value(value, child, column + 2);
  out += value.starts_with('\n') && value.size() > 1 ? value.substr(column + 2) : value;
}

void append_children(std::string& out, const Node& node, std::size_t column) {
  for (const Node& child : node.children) {
    if (node.kind == Node::Kind::kMap) {
      append_entry(out, child, column);
    } else {
      append_item(out, child, column);
    }
  }
}

}  // namespace

std::string write_scalar(std::string_view text) {
  return is_plain(text) ? std::string(text) : quoted(text);
}

std::string write_yaml(const Node& root) {
  std::string out;
  append_children(out, root, 0);
  return out;
}

}  // namespace forklift::config
