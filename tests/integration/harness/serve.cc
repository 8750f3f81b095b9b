#include "harness/serve.h"

#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>

#include "harness/files.h"

namespace harness {

Serve::Serve(const Options& options) : output_(options.output) {
  std::vector<std::string> command = options.under;
  command.insert(command.end(), {server_binary(), "serve", options.file});
  child_.start({.command = command, .environment = {}, .output = output_});
}

Serve::~Serve() {
  if (child_.running()) {
    child_.signal(SIGKILL);
    child_.wait(kPatience);
  }
  EXPECT_THAT(expected_errors_.surprises(output()), testing::IsEmpty());
}

std::string Serve::output() const {
  return std::filesystem::is_regular_file(output_) ? read_file(output_) : "";
}

bool Serve::ready(milliseconds patience) {
  const auto is_ready = [&] { return output().find(" READY: ") != std::string::npos; };
  eventually([&] { return is_ready() || !child_.running(); }, patience);
  return is_ready();
}

}  // namespace harness
