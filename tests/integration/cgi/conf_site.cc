#include "cgi/conf_site.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace harness {
namespace {

namespace fs = std::filesystem;

// Whom conf/cgi.yaml names, where root starts the server.
constexpr const char* kUser = "www-data";

// openssl passwd -apr1 -salt salt secret
constexpr std::string_view kUsers = "alice:$apr1$salt$VEpBc9VHGUKwI9.yg13Iu0\n";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + with.size()), ++count) {
    text.replace(at, what.size(), with);
  }
  if (count == 0) throw std::runtime_error(fmt::format("the configuration does not say {}", what));
  return text;
}

}  // namespace

ConfSite::ConfSite(FrontRoad road) : road_(road), front_(road.front) {
  // Others than the test's user have to find what is theirs.
  fs::permissions(folder_.path(), fs::perms::others_exec | fs::perms::group_exec, fs::perm_options::add);
  fs::create_directories(srv_ + "/git");
  fs::create_directories(srv_ + "/cgi-bin");
  fs::copy_file(source_file("conf/cgi-cgitrc"), srv_ + "/cgitrc");
  write_file(srv_ + "/users", kUsers);
}

void ConfSite::add_program(const std::string& name, const std::string& text) const {
  const std::string path = srv_ + "/cgi-bin/" + name;
  write_file(path, text);
  fs::permissions(path, fs::perms::owner_all | fs::perms::group_read | fs::perms::others_read | fs::perms::group_exec |
                            fs::perms::others_exec);
}

void ConfSite::give_to_workers() const {
  if (geteuid() != 0) return;
  const passwd* user = getpwnam(kUser);
  if (user == nullptr) throw std::runtime_error(fmt::format("there is no user {}", kUser));
  const auto give = [&](const std::string& path) {
    if (lchown(path.c_str(), user->pw_uid, user->pw_gid) != 0) {
      throw std::system_error(errno, std::generic_category(), path);
    }
  };
  give(srv_);
  for (const auto& entry : fs::recursive_directory_iterator(srv_)) give(entry.path());
}

std::string ConfSite::adapted(std::string text) const {
  return replaced(std::move(text), "/srv/", srv_ + "/");
}

App ConfSite::app() const {
  App app{.name = "cgi", .plugin = plugin_file("cgi"), .listen = {road_.over_unix ? "unix:cgi.sock" : "127.0.0.1:0"}};
  std::istringstream lines(adapted(read_file(source_file("conf/cgi.yaml"))));
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    // The harness writes these itself; the rest is as it stands there.
    if (line == "  - name: cgi") {
      inside = true;
    } else if (inside && !line.starts_with("    plugin: ") && !line.starts_with("    listen: ")) {
      app.more += line.substr(std::min<std::size_t>(line.size(), 4)) + "\n";
    }
  }
  if (!inside) throw std::runtime_error("conf/cgi.yaml has no app cgi");
  return app;
}

void ConfSite::start() {
  give_to_workers();
  server_.emplace(std::vector<App>{app()});
  server_->start();
  const bool is_nginx = road_.front == FrontKind::kNginx;
  front_.set_conf(adapted(read_file(source_file(is_nginx ? "conf/cgi-nginx.conf" : "conf/cgi-apache.conf"))));
  front_.start({{"cgi", server_->listener("cgi")}});
}

std::string ConfSite::url(const std::string& path) const {
  return fmt::format("http://{}{}", front_.endpoint().to_string(), path);
}

std::string ConfSite::url_of_alice(const std::string& path) const {
  return fmt::format("http://alice:secret@{}{}", front_.endpoint().to_string(), path);
}

}  // namespace harness
