#include "harness/cgi_site.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "harness/processes.h"

namespace harness {

namespace {

// Megabytes, and processes, beside other tests.
constexpr milliseconds kCgiPatience = seconds(60);

std::string indented(const std::string& lines, const std::string& by) {
  std::string result;
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', at), lines.size());
    result += by + lines.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return result;
}

App app_in(const std::string& folder, const std::string& settings, const std::string& more) {
  std::filesystem::create_directory(folder + "/bin");
  // Workers may be another user's.
  std::filesystem::permissions(folder, std::filesystem::perms(0755));
  const std::string workers = more.find("workers:") == more.npos ? "workers: {min: 1, max: 1}\n" : "";
  return {.name = "app",
          .plugin = plugin_file("cgi"),
          .listen = {"127.0.0.1:0", "unix:app.sock", "{address: \"127.0.0.1:0\", half_close: abort}",
                     "{address: unix:abort.sock, half_close: abort}"},
          .more = fmt::format("{}{}\nsettings:\n  mounts:\n    - {{at: /bin, root: {}/bin}}\n{}", workers, more, folder,
                              indented(settings, "  "))};
}

}  // namespace

CgiSite::CgiSite(const std::string& settings, const std::string& more)
    : server_({app_in(folder_.path(), settings, more)}) {}

void CgiSite::add(std::string_view name, const std::string& text, unsigned mode) const {
  const std::string file = folder_ / fmt::format("bin/{}", name);
  write_file(file, text.starts_with("#!") || text.starts_with("\x7f") ? text : "#!/bin/sh\n" + text);
  std::filesystem::permissions(file, std::filesystem::perms(mode));
}

Response CgiSite::get(const std::string& name, std::size_t index) {
  return fetch(listener(index), ScgiRequest::get("/bin/" + name), kCgiPatience);
}

Response CgiSite::post(const std::string& name, std::string body, std::size_t index) {
  return fetch(listener(index), ScgiRequest::post("/bin/" + name, std::move(body)), kCgiPatience);
}

bool CgiSite::has_no_programs(milliseconds patience) const {
  const auto workers = [this] { return children_of(server_.pid()); };
  return eventually(
      [&] {
        for (const Process& worker : workers()) {
          if (!children_of(worker.pid).empty()) return false;
        }
        return true;
      },
      patience);
}

pid_t CgiSite::pid_in(const std::string& name) const {
  pid_t pid = 0;
  eventually([&] { return std::ifstream(folder_ / name) >> pid && pid > 0; });
  return pid;
}

}  // namespace harness
