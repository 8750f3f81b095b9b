#include "harness/front_conf.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "harness/files.h"

namespace harness {
namespace {

std::string_view unindented(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return line;
}

// What begins the lines of a file that say where an app is, and the one where the front itself listens.
struct Words {
  std::string_view upstream;
  std::string_view listen;
};

Words words_of(FrontKind kind) {
  switch (kind) {
    case FrontKind::kNginx: return {"upstream ", "listen "};
    case FrontKind::kApache: return {"Define ", "Listen "};
    case FrontKind::kLighttpd: return {"var.", "server.port "};
  }
  return {};
}

// The app of a line that says where an app is; empty for other lines.
std::string upstream_of(FrontKind kind, std::string_view line) {
  const std::string_view word = words_of(kind).upstream;
  std::string_view rest = unindented(line);
  if (!rest.starts_with(word)) return "";
  rest.remove_prefix(word.size());
  return std::string(rest.substr(0, rest.find(' ')));
}

std::string upstream_line(FrontKind kind, const std::string& name, const std::vector<Endpoint>& servers) {
  const Endpoint& first = servers.front();
  switch (kind) {
    case FrontKind::kNginx: {
      std::string line = fmt::format("upstream {} {{", name);
      // As the file says it is to be, where there are several.
      const char* always = servers.size() > 1 ? " max_fails=0" : "";
      for (const Endpoint& server : servers) line += fmt::format(" server {}{};", server.to_string(), always);
      return line + " }\n";
    }
    case FrontKind::kApache:
      return first.is_unix() ? fmt::format("Define {0} unix:{1}|scgi://{0}\n", name, first.path)
                             : fmt::format("Define {} scgi://{}\n", name, first.to_string());
    case FrontKind::kLighttpd: {
      const std::string address = first.is_unix()
                                      ? fmt::format(R"("socket" => "{}")", first.path)
                                      : fmt::format(R"("host" => "{}", "port" => {})", first.host, first.port);
      return fmt::format(R"(var.{} = ( {}, "check-local" => "disable", "read-timeout" => 75, "disable-time" => 1 ))"
                         "\n",
                         name, address);
    }
  }
  return "";
}

std::string route_line(FrontKind kind, const std::string& name) {
  switch (kind) {
    case FrontKind::kNginx: return fmt::format("location /{0} {{ scgi_pass {0}; }}\n", name);
    case FrontKind::kApache: return fmt::format("ProxyPass /{0} ${{{0}}}/{0} retry=0\n", name);
    case FrontKind::kLighttpd: return fmt::format("scgi.server += ( \"/{0}\" => ( var.{0} ) )\n", name);
  }
  return "";
}

std::string listen_line(FrontKind kind, const Endpoint& listen) {
  switch (kind) {
    case FrontKind::kNginx: return fmt::format("listen {};\n", listen.to_string());
    case FrontKind::kApache: return fmt::format("Listen {}\n", listen.to_string());
    case FrontKind::kLighttpd: return fmt::format("server.port = {}\n", listen.port);
  }
  return "";
}

}  // namespace

std::ostream& operator<<(std::ostream& out, FrontKind kind) {
  switch (kind) {
    case FrontKind::kNginx: return out << "Nginx";
    case FrontKind::kApache: return out << "Apache";
    case FrontKind::kLighttpd: return out << "Lighttpd";
  }
  return out << "?";
}

std::string front_conf_file(FrontKind kind) {
  switch (kind) {
    case FrontKind::kNginx: return "conf/nginx.conf";
    case FrontKind::kApache: return "conf/apache.conf";
    case FrontKind::kLighttpd: return "conf/lighttpd.conf";
  }
  return "";
}

std::string adapt_front_conf(FrontKind kind, const std::string& text, const Endpoint& listen,
                             const Upstreams& upstreams) {
  std::vector<std::string> lines;
  std::set<std::string> known;  // apps of the file
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line); lines.push_back(line)) known.insert(upstream_of(kind, line));

  std::map<std::string, std::vector<Endpoint>> servers;
  for (const auto& [name, endpoint] : upstreams) servers[name].push_back(endpoint);
  std::string addresses;
  std::string routes;
  for (const auto& [name, endpoints] : servers) {
    addresses += upstream_line(kind, name, endpoints);
    if (!known.contains(name)) routes += route_line(kind, name);
  }

  std::string result;
  bool listen_written = false;
  for (const std::string& line : lines) {
    if (const std::string name = upstream_of(kind, line); !name.empty()) {
      result += std::exchange(addresses, "");
      if (!servers.contains(name)) result += line + "\n";
    } else if (unindented(line).starts_with(words_of(kind).listen)) {
      listen_written = true;
      result += listen_line(kind, listen);
      // Only nginx has its locations inside of what listens.
      if (kind == FrontKind::kNginx) result += std::exchange(routes, "");
    } else {
      result += line + "\n";
    }
  }
  if (!addresses.empty() || !listen_written) {
    throw std::runtime_error("the configuration has no line for an app, or none where it listens");
  }
  return result + routes;
}

std::vector<std::string> front_command(FrontKind kind, const std::string& folder, const std::string& conf) {
  switch (kind) {
    case FrontKind::kNginx: return {nginx_binary(), "-p", folder, "-e", "stderr", "-c", conf};
    case FrontKind::kApache: return {apache_binary(), "-d", folder, "-f", conf, "-D", "FOREGROUND"};
    case FrontKind::kLighttpd: return {"/usr/bin/env", "FOLDER=" + folder, lighttpd_binary(), "-D", "-f", conf};
  }
  return {};
}

std::string front_pid_file(FrontKind kind) {
  switch (kind) {
    case FrontKind::kNginx: return "nginx.pid";
    case FrontKind::kApache: return "apache.pid";
    case FrontKind::kLighttpd: return "lighttpd.pid";
  }
  return "";
}

}  // namespace harness
