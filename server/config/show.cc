#include "config/show.h"

#include <utility>

#include "config/keys.h"

namespace forklift::config {

namespace {

Node to_node(const Settings& settings) {
  Node node;
  switch (settings.kind) {
    case Settings::Kind::kScalar: return scalar(settings.scalar);
    case Settings::Kind::kList: node.kind = Node::Kind::kList; break;
    case Settings::Kind::kMap: node.kind = Node::Kind::kMap; break;
  }
  for (const auto& [name, child] : settings.children) {
    node.children.push_back(to_node(child));
    node.children.back().name = name;
  }
  return node;
}

// `localhost` has become a listener for each family; the first one stands for both.
bool is_second_of_localhost(const Listen& listen) {
  return listen.from_localhost && listen.address.family == Address::Family::kTcp6;
}

}  // namespace

Node scalar(std::string text) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.text = std::move(text);
  return node;
}

Node scalar_or_nothing(std::string text) {
  return text.empty() ? Node{} : scalar(std::move(text));
}

Node show_keys(const Subject& subject, std::string_view parent) {
  Node map;
  map.kind = Node::Kind::kMap;
  for (const Key& key : all_keys()) {
    if (!key.type.show || key.parent() != parent) continue;
    Node child = key.type.show(subject, key);
    if (child.kind == Node::Kind::kNull) continue;
    child.name = key.name();
    map.children.push_back(std::move(child));
  }
  return map;
}

Node show_section(const Subject& subject, const Key& key) {
  Node section = show_keys(subject, key.path);
  return section.children.empty() ? Node{} : section;
}

Node show_log_file(const Subject& subject, const Key&) {
  return scalar(subject.config.log.file);
}

Node show_access_log_file(const Subject& subject, const Key&) {
  return scalar_or_nothing(subject.app->access_log.file);
}

// Nothing where there is no access log: a format alone would ask for a file.
Node show_access_log_format(const Subject& subject, const Key&) {
  if (subject.app->access_log.file.empty()) return {};
  return scalar(subject.app->access_log.format.to_string());
}

Node show_apps(const Subject& subject, const Key&) {
  Node list;
  list.kind = Node::Kind::kList;
  for (const App& app : subject.config.apps) list.children.push_back(show_keys({subject.config, &app}, "apps[]"));
  return list;
}

Node show_probe(const Subject& subject, const Key&) {
  return scalar_or_nothing(subject.app->reload.probe);
}

Node show_app_name(const Subject& subject, const Key&) {
  return scalar(subject.app->name);
}

Node show_listen(const Subject& subject, const Key&) {
  Node list;
  list.kind = Node::Kind::kList;
  for (const Listen& listen : subject.app->listen) {
    if (is_second_of_localhost(listen)) continue;
    list.children.push_back(show_keys({subject.config, subject.app, &listen}, "apps[].listen[]"));
  }
  return list;
}

Node show_listen_address(const Subject& subject, const Key&) {
  const Listen& listen = *subject.listen;
  if (listen.from_localhost) return scalar(fmt::format("localhost:{}", listen.address.port));
  return scalar(listen.address.to_string());
}

Node show_settings(const Subject& subject, const Key&) {
  return to_node(subject.app->settings);
}

}  // namespace forklift::config
