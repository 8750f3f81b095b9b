// Who may include whom: the folders of server/ are layers, and a layer knows only those below it. The compiler would
// let an #include of anything pass, and the linker most of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

// What a layer may include besides itself: folders of server/, or single headers of them.
const std::map<std::string, std::set<std::string>> kLayers = {
    {"base", {}},
    {"config", {"base"}},
    // What is written about the configuration; not in the server.
    {"describe", {"base", "config"}},
    {"man", {}},  // pages of the manual, no code
    // What a configuration means on this machine.
    {"machine", {"base", "config"}},
    {"ipc", {"base"}},
    {"protocol", {"base"}},
    {"plugin", {"base", "config", "ipc", "protocol"}},
    {"worker", {"base", "config", "ipc", "protocol", "plugin"}},
    // The master parses nothing beyond where a head ends, and never touches a plugin.
    {"master", {"base", "config", "machine", "ipc", "protocol/frame.h"}},
    // The commands that are not the server.
    {"cli", {"base", "config", "machine", "ipc", "protocol", "plugin", "worker"}},
};

// Libraries that have one place.
const std::map<std::string, std::set<std::string>> kLibraries = {
    {"yaml-cpp/", {"config"}},
    {"forklift/", {"plugin", "worker", "cli", "main.cc"}},  // the plugin API: no plugin code in the master
};

std::string folder_of(const std::string& path) {
  return path.substr(0, path.find('/'));
}

// Why `file` must not include `header`; nothing where it may. Both are relative to server/.
std::optional<std::string> objection(const std::string& file, const std::string& header) {
  const std::string from = folder_of(file);
  const std::string to = folder_of(header);
  for (const auto& [library, places] : kLibraries) {
    if (header.starts_with(library) && !places.contains(from)) return file + " includes <" + header + ">";
  }
  if (from == to || from == "main.cc" || !kLayers.contains(to)) return std::nullopt;
  if (!kLayers.contains(from)) return file + " is in no layer that this test knows";
  const auto& allowed = kLayers.at(from);
  if (allowed.contains(to) || allowed.contains(header)) return std::nullopt;
  return file + " includes " + header;
}

std::vector<std::string> included_by(const fs::path& file) {
  static const std::regex pattern(R"-(^\s*#\s*include\s*["<]([^">]+)[">].*)-");
  std::vector<std::string> headers;
  std::ifstream lines(file);
  std::smatch parts;
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, parts, pattern)) headers.push_back(parts[1]);
  }
  return headers;
}

std::vector<fs::path> sources() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(SERVER_DIR)) {
    const auto extension = entry.path().extension();
    if (extension == ".cc" || extension == ".h") files.push_back(entry.path());
  }
  return files;
}

TEST(Layers, nothing_includes_upwards) {
  std::vector<std::string> objections;
  std::size_t includes = 0;
  for (const auto& file : sources()) {
    for (const auto& header : included_by(file)) {
      ++includes;
      if (auto wrong = objection(fs::relative(file, SERVER_DIR), header)) objections.push_back(*wrong);
    }
  }
  EXPECT_THAT(objections, IsEmpty());
  EXPECT_GT(includes, 300U) << "the include lines were not found";
}

// A header that is named relative to the file that includes it would get round the table.
TEST(Layers, headers_of_the_server_are_named_from_its_root) {
  std::vector<std::string> relative;
  for (const auto& file : sources()) {
    for (const auto& header : included_by(file)) {
      if (header.find("./") != header.npos) relative.push_back(file.filename().string() + " includes " + header);
    }
  }
  EXPECT_THAT(relative, IsEmpty());
}

TEST(Layers, every_folder_of_the_server_is_one) {
  std::vector<std::string> unknown;
  for (const auto& entry : fs::directory_iterator(SERVER_DIR)) {
    if (entry.is_directory() && !kLayers.contains(entry.path().filename())) unknown.push_back(entry.path());
  }
  EXPECT_THAT(unknown, IsEmpty()) << "give it a place in kLayers";
}

TEST(Layers, the_rules_are_what_they_are_meant_to_be) {
  const auto is_refused = [](const char* file, const char* header) { return objection(file, header).has_value(); };
  EXPECT_TRUE(is_refused("base/log.cc", "config/config.h"));
  EXPECT_TRUE(is_refused("ipc/page.h", "config/config.h"));
  EXPECT_TRUE(is_refused("protocol/scgi.cc", "ipc/message.h"));
  EXPECT_TRUE(is_refused("plugin/library.cc", "worker/serve.h"));
  EXPECT_TRUE(is_refused("worker/worker.cc", "master/slot.h"));
  EXPECT_TRUE(is_refused("master/slot.cc", "worker/worker.h"));
  EXPECT_TRUE(is_refused("master/app.cc", "plugin/library.h"));
  EXPECT_TRUE(is_refused("master/app.cc", "protocol/request.h"));
  EXPECT_TRUE(is_refused("master/app.cc", "forklift/plugin.h"));
  EXPECT_TRUE(is_refused("worker/serve.cc", "yaml-cpp/yaml.h"));
  EXPECT_TRUE(is_refused("master/master.cc", "cli/check.h"));
  EXPECT_TRUE(is_refused("cli/check.cc", "master/master.h"));
  EXPECT_TRUE(is_refused("config/reader.cc", "machine/checks.h"));
  EXPECT_TRUE(is_refused("elsewhere/x.cc", "base/log.h"));
  EXPECT_FALSE(is_refused("master/app.cc", "protocol/frame.h"));
  EXPECT_FALSE(is_refused("master/app.cc", "master/slot.h"));
  EXPECT_FALSE(is_refused("config/document.cc", "yaml-cpp/yaml.h"));
  EXPECT_FALSE(is_refused("worker/serve.cc", "forklift/plugin.h"));
  EXPECT_FALSE(is_refused("main.cc", "master/master.h"));
  EXPECT_FALSE(is_refused("main.cc", "worker/worker.h"));
  EXPECT_FALSE(is_refused("main.cc", "cli/check.h"));
  EXPECT_FALSE(is_refused("master/master.cc", "machine/identity.h"));
  EXPECT_FALSE(is_refused("base/log.cc", "sys/socket.h"));
}

}  // namespace
