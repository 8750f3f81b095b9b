#include "harness/hosts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "harness/child.h"
#include "harness/files.h"

namespace harness {
namespace {

using forklift::UniqueFd;

constexpr const char* kNsenter = "/usr/bin/nsenter";

std::string front_address(int host) {
  return fmt::format("10.77.{}.1", host);
}

UniqueFd own_namespace() {
  UniqueFd fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!fd) throw std::system_error(errno, std::generic_category(), "/proc/thread-self/ns/net");
  return fd;
}

UniqueFd enter_new_namespace() {
  if (unshare(CLONE_NEWNET) != 0) {
    throw std::system_error(errno, std::generic_category(), "a network namespace, which takes root (CAP_SYS_ADMIN)");
  }
  return own_namespace();
}

// In every place: for programs that have no descriptor of ours.
std::string path_of(const UniqueFd& fd) {
  return fmt::format("/proc/{}/fd/{}", getpid(), fd.get());
}

void run(const std::vector<std::string>& command) {
  const TempDir folder;
  Child child;
  child.start({.command = command, .environment = {}, .output = folder / "output"});
  const ExitStatus status = child.wait(kPatience);
  if (status == ExitStatus::exited(0)) return;
  throw std::runtime_error(
      fmt::format("{}: {}: {}", fmt::join(command, " "), testing::PrintToString(status), read_file(folder / "output")));
}

void ip(const std::vector<std::string>& where, const std::vector<std::string>& words) {
  std::vector<std::string> command = where;
  command.push_back(ip_binary());
  command.insert(command.end(), words.begin(), words.end());
  run(command);
}

}  // namespace

Hosts::Hosts(int count) : before_(own_namespace()) {
  for (int i = 0; i < count; ++i) hosts_.push_back(enter_new_namespace());
  enter_new_namespace();
  ip({}, {"link", "set", "lo", "up"});
  for (int i = 0; i < count; ++i) join(i);
}

Hosts::~Hosts() {
  EXPECT_EQ(setns(before_.get(), CLONE_NEWNET), 0) << std::generic_category().message(errno);
}

std::string Hosts::address(int host) {
  return fmt::format("10.77.{}.2", host);
}

std::vector<std::string> Hosts::on(int host) const {
  return {kNsenter, "--net=" + path_of(hosts_.at(static_cast<std::size_t>(host))), "--"};
}

void Hosts::join(int host) const {
  const std::string own = fmt::format("host{}", host);
  const std::string there = path_of(hosts_.at(static_cast<std::size_t>(host)));
  ip({}, {"link", "add", own, "type", "veth", "peer", "name", "front", "netns", there});
  ip({}, {"address", "add", front_address(host) + "/24", "dev", own});
  ip({}, {"link", "set", own, "up"});
  ip(on(host), {"address", "add", address(host) + "/24", "dev", "front"});
  ip(on(host), {"link", "set", "front", "up"});
  ip(on(host), {"link", "set", "lo", "up"});
}

}  // namespace harness
