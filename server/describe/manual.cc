#include <fmt/format.h>

#include "describe/describe.h"
#include "describe/form.h"

namespace forklift::describe {

namespace {

using config::Key;

// Text as man(7) shows it letter by letter.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\e"; break;
      case '-': out += "\\-"; break;
      case '\'': out += "\\(aq"; break;
      case '"': out += "\\(dq"; break;
      case '`': out += "\\(ga"; break;
      case '^': out += "\\(ha"; break;
      case '~': out += "\\(ti"; break;
      default: out += c;
    }
  }
  return out.starts_with('.') ? "\\&" + out : out;
}

// Where the keys are, where that is another place than that of the keys in front.
std::string_view heading_of(const Key& key) {
  if (key.path == "runtime_dir") return "The server";
  if (key.path == "apps[].name") return "Each app, below apps";
  return "";
}

std::string entry(const Key& key) {
  std::string text;
  if (const auto heading = heading_of(key); !heading.empty()) text += fmt::format(".SS {}\n", heading);
  std::string sentence = explain(key, DefaultValue::kNamed) + ".";
  if (sentence[0] >= 'a' && sentence[0] <= 'z') sentence[0] = static_cast<char>(sentence[0] - 'a' + 'A');
  return text + fmt::format(".TP\n.B {}\n{}\n", roff(key.shown()), roff(sentence));
}

}  // namespace

std::string manual(std::string_view form) {
  std::string text;
  for (const Key& key : config::all_keys()) {
    if (key.supported()) text += entry(key);
  }
  return fill_in(form, text);
}

}  // namespace forklift::describe
