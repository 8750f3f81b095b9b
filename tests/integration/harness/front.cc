#include "harness/front.h"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <stdexcept>

namespace harness {
namespace {

// As root, a front runs as an ordinary user, who may read and write the test's files all the same: Apache refuses to
// serve as root. The change of user takes the death signal away (PR_SET_PDEATHSIG(2const)), so it is set again.
const std::vector<std::string> kAsNobody{"/usr/bin/setpriv",
                                         "--reuid",
                                         "nobody",
                                         "--regid",
                                         "nogroup",
                                         "--clear-groups",
                                         "--inh-caps",
                                         "-all,+dac_override",
                                         "--ambient-caps",
                                         "-all,+dac_override",
                                         "--pdeathsig",
                                         "TERM",
                                         "--"};

}  // namespace

Front::~Front() {
  if (child_.running()) stop();
}

// An answering port alone could be somebody else's. The pid is written, into a file that may be there before, when it
// has bound its port.
bool Front::listens() const {
  const std::string pid_file = folder_ / front_pid_file(kind_);
  std::error_code missing;
  const auto size = std::filesystem::file_size(pid_file, missing);
  return !missing && size > 0 && connect_to(endpoint_);
}

void Front::start(const Upstreams& upstreams) {
  const std::string original = conf_.empty() ? read_file(source_file(front_conf_file(kind_))) : conf_;
  const std::string conf = folder_ / "front.conf";
  std::vector<std::string> command = front_command(kind_, folder_.path(), conf);
  if (geteuid() == 0) command.insert(command.begin(), kAsNobody.begin(), kAsNobody.end());

  constexpr int kTries = 5;  // somebody else may bind the free port before the front does
  for (int i = 0; i < kTries; ++i) {
    endpoint_ = Endpoint{.host = "127.0.0.1", .port = free_port(), .path = {}};
    write_file(conf, adapt_front_conf(kind_, original, endpoint_, upstreams));
    child_.start({.command = command, .environment = {}, .output = folder_ / "log", .death_signal = SIGTERM});
    eventually([&] { return listens() || !child_.running(); });
    if (child_.running() && listens()) return;
    stop();
  }
  throw std::runtime_error("the front did not start. Its log:\n" + log());
}

ExitStatus Front::stop() {
  child_.signal(SIGTERM);
  return child_.wait(kPatience);
}

std::string Front::log() const {
  std::string text;
  for (const char* name : {"log", "error.log"}) {
    if (std::filesystem::exists(folder_ / name)) text += read_file(folder_ / name);
  }
  return text;
}

}  // namespace harness
