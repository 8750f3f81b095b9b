#include "harness/command.h"

#include <Poco/JSON/Parser.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace harness {

namespace {

std::vector<std::string> words_for(const std::string& name, const Server& server,
                                   const std::vector<std::string>& options) {
  std::vector<std::string> words{name, server.config_file()};
  words.insert(words.end(), options.begin(), options.end());
  return words;
}

}  // namespace

Command::Command(const std::vector<std::string>& words, std::vector<std::string> under) {
  std::vector<std::string> command = std::move(under);
  command.push_back(server_binary());
  command.insert(command.end(), words.begin(), words.end());
  child_.start({.command = command, .environment = {}, .output = folder_ / "output"});
}

Command::Command(const std::string& name, const Server& server, const std::vector<std::string>& options)
    : Command(words_for(name, server, options)) {}

std::string Command::output() const {
  const std::string file = folder_ / "output";
  return std::filesystem::exists(file) ? read_file(file) : "";
}

Poco::JSON::Object::Ptr status_of(const Server& server) {
  Command status("status", server, {"--json"});
  const ExitStatus end = status.wait();
  EXPECT_EQ(end, ExitStatus::exited(0)) << status.output();
  if (end != ExitStatus::exited(0)) return new Poco::JSON::Object;
  try {
    return Poco::JSON::Parser().parse(status.output()).extract<Poco::JSON::Object::Ptr>();
  } catch (const std::exception& e) {
    ADD_FAILURE() << e.what() << ": " << status.output();
    return new Poco::JSON::Object;
  }
}

}  // namespace harness
