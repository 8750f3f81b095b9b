#include "config/apps.h"

#include <algorithm>

#include "base/quote.h"
#include "config/access_format.h"
#include "config/address.h"
#include "config/confinement.h"
#include "config/defaults.h"
#include "config/value.h"

namespace forklift::config {

namespace {

bool is_app_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_visible_character(char c) {
  return c > ' ' && c <= '~';
}

// Shorter than the least limits.head.
constexpr std::size_t kProbeBytesMax = 512;

// Words that would be a strange name for a file.
bool is_log_service(std::string_view written) {
  return written == "syslog" || written == "journal";
}

// Keys that say how a socket is bound, where it is bound by somebody else or is of another kind.
void check_listen_keys(Value& value, const Node& map, const Address& address) {
  using Family = Address::Family;
  if (address.family == Family::kUnix) return;
  struct Misplaced {
    std::string_view key;
    std::string_view unit_key;  // of systemd.socket(5)
  };
  constexpr Misplaced kOfUnixSockets[] = {{"mode", "SocketMode="}, {"owner", "SocketUser="}, {"group", "SocketGroup="}};
  const auto refuse = [&](std::string_view key, std::string_view why) {
    const auto written = std::ranges::find(map.children, key, &Node::name);
    if (written == map.children.end()) return;
    value.reading().complain(written->name_mark, fmt::format("listen.{}: {}", key, why));
  };
  for (const auto& [key, unit_key] : kOfUnixSockets) {
    refuse(key,
           address.family == Family::kSystemd
               ? fmt::format("{} is bound by systemd; write {} into its socket unit", address.to_string(), unit_key)
               : fmt::format("{} is no Unix socket, and has none; remove the key", address.to_string()));
  }
  if (address.family == Family::kSystemd) {
    refuse("backlog", fmt::format("{} is bound by systemd; write Backlog= into its socket unit", address.to_string()));
  }
}

void read_listener(Value& value, const Node& node) {
  Reading& reading = value.reading();
  ListenEntry entry;
  entry.common.position = reading.position(node.mark);
  if (node.kind == Node::Kind::kScalar) {
    auto parsed = parse_address(node.text, reading.folder(node.mark));
    if (!parsed) return value.refuse_at(node, parsed.error().message());
    entry.addresses = std::move(*parsed);
  } else if (node.kind == Node::Kind::kMap) {
    reading.listen = &entry;
    read_keys(reading, node, "apps[].listen[]");
    reading.listen = nullptr;
    if (!entry.addresses.empty()) check_listen_keys(value, node, entry.addresses.front());
  } else {
    return value.refuse_at(node, "must be a port, an address or a map with \"address\"");
  }
  for (const Address& address : entry.addresses) {
    value.app().listen.push_back(entry.common);
    value.app().listen.back().address = address;
    value.app().listen.back().from_localhost = entry.addresses.size() > 1;
  }
}

}  // namespace

void read_log_file(Value& value) {
  const auto written = value.text();
  if (!written) return;
  std::string& file = value.config().log.file;
  if (*written == "-" || is_log_service(*written)) {
    file = *written;
  } else {
    value.path(file);
  }
}

void read_control(Value& value) {
  std::string& control = value.config().control;
  value.path(control);
  if (auto fits = check_unix_path(control); !fits) value.refuse(fits.error().message());
}

void read_access_log_file(Value& value) {
  const auto written = value.text();
  if (!written) return;
  if (*written == "-" || is_log_service(*written)) {
    return value.refuse(fmt::format("\"{}\" is not supported yet; write a path", *written));
  }
  value.path(value.app().access_log.file);
}

void read_access_log_format(Value& value) {
  const auto written = value.text();
  if (!written) return;
  auto format = AccessFormat::parse(*written);
  if (!format) return value.refuse(format.error().message());
  value.app().access_log.format = std::move(*format);
}

void read_apps(Value& value) {
  const Node& node = value.node();
  Reading& reading = value.reading();
  if (node.kind == Node::Kind::kNull) return value.refuse("has no value");
  if (node.kind != Node::Kind::kList) return value.refuse("must be a list; write \"- name: ...\" for each app");
  for (const Node& item : node.children) {
    if (item.kind != Node::Kind::kMap) {
      value.refuse_at(item, "each app must be a map with \"name\", \"plugin\" and \"listen\"");
      continue;
    }
    App app;
    app.position = reading.position(item.mark);
    reading.app = &app;
    const Node complete = with_defaults(reading, item);
    read_keys(reading, complete, "apps[]");
    check_directory(reading, complete);
    reading.app = nullptr;
    reading.config.apps.push_back(std::move(app));
  }
}

void read_app_name(Value& value) {
  const auto written = value.text();
  if (!written) return;
  if (written->empty() || !std::ranges::all_of(*written, is_app_name_character)) {
    return value.refuse(fmt::format("{} must be made of a-z, 0-9, _ and -", quote(*written, 60)));
  }
  if (const std::uint64_t max = value.key().type.max; written->size() > max) {
    return value.refuse(fmt::format("has {} bytes; at most {}", written->size(), max));
  }
  value.app().name = *written;
}

void read_listen(Value& value) {
  const Node& node = value.node();
  if (node.kind != Node::Kind::kList) return read_listener(value, node);
  if (node.children.empty()) return value.refuse("names no address; write at least one");
  for (const Node& item : node.children) read_listener(value, item);
}

void read_listen_address(Value& value) {
  const auto written = value.text();
  if (!written) return;
  auto parsed = parse_address(*written, value.reading().folder(value.node().mark));
  if (!parsed) return value.refuse(parsed.error().message());
  value.listen().addresses = std::move(*parsed);
}

void read_workers(Value& value) {
  const std::size_t findings_before = value.reading().findings.size();
  value.section();
  if (value.reading().findings.size() != findings_before || value.reading().partial) return;
  const Workers& workers = value.app().workers;
  if (workers.min > workers.max) {
    value.refuse(fmt::format("min ({}) is more than max ({})", workers.min, workers.max));
  }
}

void read_probe(Value& value) {
  const auto written = value.text();
  if (!written) return;
  const bool is_request = written->starts_with("GET /") || written->starts_with("HEAD /");
  if (!is_request || !std::ranges::all_of(written->substr(written->find(' ') + 1), is_visible_character)) {
    return value.refuse(fmt::format("{} is not a request; write GET or HEAD, a blank and a path that begins with /",
                                    quote(*written, 60)));
  }
  if (written->size() > kProbeBytesMax) {
    return value.refuse(fmt::format("has {} bytes; at most {}", written->size(), kProbeBytesMax));
  }
  value.app().reload.probe = *written;
}

void read_settings(Value& value) {
  value.tree(value.app().settings);
}

}  // namespace forklift::config
