#include "config/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include "base/quote.h"
#include "base/utf8.h"

namespace forklift::config {

namespace {

// Ends the reading from within yaml-cpp's callbacks, which have no other way to stop it.
struct Refusal {
  Mark mark;
  std::string message;
};

Mark to_mark(const YAML::Mark& mark) {
  return mark.is_null() ? Mark{} : Mark{mark.line + 1, mark.column + 1, 0};
}

// Builds the tree from the parser's events and not from YAML::Node: that one has lost where an alias stands and whether
// a scalar was quoted, keeps duplicate keys silently, and unfolds aliases without bound.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view text, const std::string& file, Findings& findings)
      : text_(text), file_(file), findings_(findings) {}

  std::optional<Node> take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw Refusal{to_mark(mark), "a second document starts here; one file holds one"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (key_is_due()) refuse_key(mark);
    spend({1, 0, 0}, to_mark(mark));
    Node node;
    node.mark = to_mark(mark);
    // Of a value that is missing, yaml-cpp gives the place of whatever comes next, which may be lines below.
    if (!open_.empty() && open_.back().key && open_.back().key->mark.line != node.mark.line) {
      node.mark = open_.back().key->mark;
    }
    add(std::move(node), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    check_scalar(mark, value);
    spend({1, value.size(), 0}, to_mark(mark));
    if (key_is_due()) return start_entry(mark, tag, value);
    Node node;
    node.kind = Node::Kind::kScalar;
    node.mark = to_mark(mark);
    node.text = value;
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (key_is_due()) refuse_key(mark);
    const auto known = anchored_.find(anchor);
    if (known == anchored_.end())
      throw Refusal{to_mark(mark), "this alias refers to a key, or to what it stands in itself"};
    // What it refers to keeps its own positions: what is wrong in there is to be mended there.
    spend(cost_of(known->second), to_mark(mark));
    add(known->second, 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(Node::Kind::kList, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(Node::Kind::kMap, mark, tag, anchor);
  }
  void OnSequenceEnd() override { finish(); }
  void OnMapEnd() override { finish(); }

 private:
  struct PendingKey {
    std::string name;
    Mark mark;
    bool dropped = false;  // its value was complained about already, or will be
  };

  // A list or a map that is not complete yet.
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    std::optional<PendingKey> key;  // of a map: the key whose value comes next
    std::map<std::string, Mark, std::less<>> keys;
  };

  bool key_is_due() const { return !open_.empty() && open_.back().node.kind == Node::Kind::kMap && !open_.back().key; }

  [[noreturn]] static void refuse_key(const YAML::Mark& mark) {
    throw Refusal{to_mark(mark),
                  "a key must be a word; is a quote missing, as in \"[::1]:4000\", or a bracket not closed?"};
  }

  void complain(Mark mark, std::string message) {
    findings_.push_back({{file_, mark.line, mark.column}, std::move(message)});
  }

  void start_entry(const YAML::Mark& at, const std::string& tag, const std::string& name) {
    const Mark mark = to_mark(at);
    Open& map = open_.back();
    map.key = PendingKey{name, mark};
    if (name == "<<" && tag == "?") {
      complain(mark, "merge keys (<<) are not supported; write the keys out");
      map.key->dropped = true;
    } else if (const auto [first, is_new] = map.keys.try_emplace(name, mark); !is_new) {
      complain(mark, fmt::format("duplicate key {}; the first one is in line {}", quote(name), first->second.line));
      map.key->dropped = true;
    }
  }

  void start(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (key_is_due()) refuse_key(mark);
    check_tag(mark, tag);
    spend({1, 0, 1}, to_mark(mark));
    Open& open = open_.emplace_back();
    open.node.kind = kind;
    open.node.mark = to_mark(mark);
    open.anchor = anchor;
  }

  void finish() {
    Open open = std::move(open_.back());
    open_.pop_back();
    add(std::move(open.node), open.anchor);
  }

  void add(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) {
      spend(cost_of(node), node.mark);
      anchored_.insert_or_assign(anchor, node);
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.key) {
      const PendingKey key = *std::exchange(parent.key, std::nullopt);
      if (key.dropped) return;
      node.name = key.name;
      node.name_mark = key.mark;
    }
    parent.node.children.push_back(std::move(node));
  }

  void spend(const Cost& cost, Mark mark) {
    nodes_ += cost.nodes;
    text_bytes_ += cost.text_bytes;
    if (nodes_ > kNodesMax || text_bytes_ > kTextBytesMax) {
      throw Refusal{mark, fmt::format("the file unfolds to more than {} values or {} bytes; use fewer aliases",
                                      kNodesMax, kTextBytesMax)};
    }
    if (open_.size() + cost.depth > kDepthMax) {
      throw Refusal{mark, fmt::format("nested more than {} levels deep", kDepthMax)};
    }
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    // "?" and "!" are yaml-cpp's marks for plain and for quoted text without a tag.
    if (tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:str") return;
    complain(to_mark(mark), fmt::format("tag {} is not supported; remove it, values are kept as written", quote(tag)));
  }

  void check_scalar(const YAML::Mark& mark, const std::string& value) const {
    if (value.find('\0') != std::string::npos) {
      throw Refusal{to_mark(mark), "a value holds a NUL character (\\0), which no path and no C string can"};
    }
    if (quote_stays_open(static_cast<std::size_t>(std::max(mark.pos, 0)))) {
      throw Refusal{to_mark(mark), "the quote that opens here is never closed"};
    }
  }

  // yaml-cpp 0.7 takes the end of the file for the closing quote.
  bool quote_stays_open(std::size_t at) const {
    while (at < text_.size() && (text_[at] == '&' || text_[at] == '!')) {
      at = std::min(text_.find_first_of(" \t\r\n", at), text_.size());
      at = std::min(text_.find_first_not_of(" \t\r\n", at), text_.size());
    }
    if (at >= text_.size() || (text_[at] != '"' && text_[at] != '\'')) return false;
    const char closing = text_[at];
    for (++at; at < text_.size(); ++at) {
      const bool escapes = closing == '"' ? text_[at] == '\\' : text_.substr(at, 2) == "''";
      if (escapes) {
        ++at;
      } else if (text_[at] == closing) {
        return false;
      }
    }
    return true;
  }

  std::string_view text_;
  const std::string& file_;
  Findings& findings_;

  int documents_ = 0;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchored_;
  std::optional<Node> root_;
  std::size_t nodes_ = 0;
  std::size_t text_bytes_ = 0;
};

// The first byte that YAML allows nowhere. yaml-cpp takes some of them for the end of the file (0x04) or for the sign
// of another encoding (NUL), and lets what is no UTF-8 pass. Columns are bytes, as yaml-cpp counts them.
std::optional<Refusal> find_forbidden_byte(std::string_view text) {
  Mark mark{1, 1, 0};
  while (!text.empty()) {
    const Utf8 character = first_character(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (character.bytes == 0) {
      return Refusal{mark, fmt::format("byte \\x{:02x} is no UTF-8; the file must be UTF-8 text", byte)};
    }
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f) {
      return Refusal{mark, fmt::format("control character \\x{:02x}; the file must be UTF-8 text", byte)};
    }
    mark.column += static_cast<int>(character.bytes);
    if (byte == '\n') mark = {mark.line + 1, 1, 0};
    text.remove_prefix(character.bytes);
  }
  return std::nullopt;
}

// yaml-cpp's words are about its grammar; people look for a bracket, a colon, a wrong indentation.
const std::pair<std::string_view, std::string_view> kSyntaxErrors[] = {
    {YAML::ErrorMsg::END_OF_SEQ_FLOW, "a \"[\" is not closed, or a comma is missing"},
    {YAML::ErrorMsg::END_OF_MAP_FLOW, "a \"{\" is not closed, or a comma is missing"},
    {YAML::ErrorMsg::MAP_VALUE,
     "a \":\" where none can be; is a blank missing behind the one before, or a quote around a value that holds one?"},
    {YAML::ErrorMsg::END_OF_MAP,
     "this does not continue the map above; look at the indentation, and quote values like [::1]"},
    {YAML::ErrorMsg::END_OF_SEQ, "this does not continue the list above; look at the indentation"},
    {YAML::ErrorMsg::UNKNOWN_TOKEN, "a character where none can be; put quotes around a value with ? in { } or [ ]"},
    {YAML::ErrorMsg::UNKNOWN_ANCHOR,
     "no anchor (&) of this name stands above; a value that begins with * has to be quoted"},
};

// The line `number`, counted from 0; empty where there is none.
std::string_view line_of(std::string_view text, int number) {
  for (; number > 0 && !text.empty(); --number) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

// yaml-cpp counts on behind the end of the file while it looks for the rest of an escape.
Mark mark_of_syntax_error(std::string_view line, const YAML::Exception& error) {
  const Mark mark = to_mark(error.mark);
  return {mark.line, std::min(mark.column, static_cast<int>(line.size()) + 1), 0};
}

std::string explain_syntax_error(std::string_view line, const YAML::Exception& error) {
  const std::string_view indentation = line.substr(0, std::min(line.find_first_not_of(" \t"), line.size()));
  if (indentation.find('\t') != std::string_view::npos) return "a tab in the indentation; YAML wants spaces";
  for (const auto& [words, meaning] : kSyntaxErrors) {
    if (error.msg == words) return std::string(meaning);
  }
  // Its sign for the end of the file.
  if (error.msg == std::string(YAML::ErrorMsg::INVALID_ESCAPE) + '\x04') return "the file ends within a quote";
  return fmt::format("not valid YAML: {}", escape(error.msg));
}

}  // namespace

Cost cost_of(const Node& node) {
  Cost sum{1, node.name.size() + node.text.size(), 0};
  for (const Node& child : node.children) {
    const Cost cost = cost_of(child);
    sum.nodes += cost.nodes;
    sum.text_bytes += cost.text_bytes;
    sum.depth = std::max(sum.depth, cost.depth);
  }
  if (node.kind == Node::Kind::kList || node.kind == Node::Kind::kMap) ++sum.depth;
  return sum;
}

const Node* find_child(const Node& map, std::string_view name) {
  const auto child = std::ranges::find(map.children, name, &Node::name);
  return child == map.children.end() ? nullptr : &*child;
}

std::optional<Node> parse_document(std::string_view text, const std::string& file, Findings& findings) {
  const auto refuse = [&](Mark mark, std::string message) {
    findings.push_back({{file, mark.line, mark.column}, std::move(message)});
    return std::nullopt;
  };
  if (text.size() > kFileBytesMax) return refuse({}, fmt::format("has more than {} bytes", kFileBytesMax));
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // the byte order mark of some editors
  if (const auto wrong = find_forbidden_byte(text)) return refuse(wrong->mark, wrong->message);

  Builder builder(text, file, findings);
  std::optional<Node> root;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    root = builder.take_root();
    // Looks for a second one, and for what is wrong behind the first.
    parser.HandleNextDocument(builder);
  } catch (const Refusal& refusal) {
    return refuse(refusal.mark, refusal.message);
  } catch (const YAML::Exception& error) {
    const std::string_view line = line_of(text, error.mark.line);
    return refuse(mark_of_syntax_error(line, error), explain_syntax_error(line, error));
  }
  if (!root || root->kind == Node::Kind::kNull) return refuse({}, "is empty; at least \"apps:\" is needed");
  return root;
}

}  // namespace forklift::config
