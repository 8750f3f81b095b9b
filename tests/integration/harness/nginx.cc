#include "harness/nginx.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <sstream>
#include <stdexcept>

namespace harness {
namespace {

std::string_view trimmed(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return line;
}

}  // namespace

std::string adapt_nginx_conf(const std::string& text, const Endpoint& listen, const Nginx::Upstreams& upstreams,
                             const std::string& directives) {
  std::string result;
  bool upstreams_written = false;
  bool listen_written = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::string_view words = trimmed(line);
    if (words.starts_with("upstream ")) {
      if (std::exchange(upstreams_written, true)) continue;
      for (const auto& [name, endpoint] : upstreams) {
        result += fmt::format("upstream {} {{ server {}; }}\n", name, endpoint.to_string());
      }
    } else if (words.starts_with("listen ")) {
      if (std::exchange(listen_written, true)) continue;
      result += fmt::format("listen {};\n{}\n", listen.to_string(), directives);
      for (const auto& [name, endpoint] : upstreams) {
        result += fmt::format("location /{0} {{ scgi_pass {0}; }}\n", name);
      }
    } else if (!words.starts_with("location ")) {
      result += line + "\n";
    }
  }
  if (!upstreams_written || !listen_written)
    throw std::runtime_error("conf/nginx.conf has no upstream or no listen line");
  return result;
}

Nginx::~Nginx() {
  if (child_.running()) stop();
}

void Nginx::start(const Upstreams& upstreams, const std::string& directives) {
  const std::string original = read_file(source_file("conf/nginx.conf"));
  const std::string conf = folder_ / "nginx.conf";
  std::vector<std::string> command{nginx_binary(), "-p", folder_.path(), "-e", "stderr", "-c", conf};
  // As root it would change to another user, who may not enter the test's folders.
  if (geteuid() == 0) command.insert(command.end(), {"-g", "user root;"});

  constexpr int kTries = 5;  // somebody else may bind the free port before nginx does
  for (int i = 0; i < kTries; ++i) {
    endpoint_ = Endpoint{.host = "127.0.0.1", .port = free_port(), .path = {}};
    write_file(conf, adapt_nginx_conf(original, endpoint_, upstreams, directives));
    child_.start({.command = command, .environment = {}, .output = folder_ / "log", .death_signal = SIGTERM});
    // Its pid file is written when it listens: an answering port alone could be somebody else's.
    const auto settled = [&] { return std::filesystem::exists(folder_ / "nginx.pid") || !child_.running(); };
    eventually(settled);
    if (child_.running() && connect_to(endpoint_)) return;
    stop();
  }
  throw std::runtime_error("nginx did not start. Its log:\n" + log());
}

ExitStatus Nginx::stop() {
  child_.signal(SIGTERM);
  return child_.wait(kPatience);
}

std::string Nginx::log() const {
  return std::filesystem::exists(folder_ / "log") ? read_file(folder_ / "log") : "";
}

}  // namespace harness
