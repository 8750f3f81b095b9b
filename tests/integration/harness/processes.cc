#include "harness/processes.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

namespace harness {
namespace {

namespace fs = std::filesystem;

fs::path proc(pid_t pid, std::string_view file) {
  return fs::path("/proc") / std::to_string(pid) / file;
}

std::vector<Process> all_processes() {
  std::vector<Process> result;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    if (auto process = find_process(pid)) result.push_back(*std::move(process));
  }
  std::sort(result.begin(), result.end(), [](const Process& a, const Process& b) { return a.pid < b.pid; });
  return result;
}

// "socket:[4711]" and "/memfd:forklift:hello.1 (deleted)" without their numbers.
std::string kind_of(const std::string& target) {
  constexpr std::string_view kMemfd = "/memfd:forklift:";
  if (target.starts_with(kMemfd)) {
    return "image of " + target.substr(kMemfd.size(), target.rfind('.') - kMemfd.size());
  }
  const bool numbered = target.starts_with("socket:") || target.starts_with("pipe:");
  return numbered ? target.substr(0, target.find(':')) : target;
}

void expect_own(pid_t pid) {
  if (pid <= 1) throw std::logic_error("children of process " + std::to_string(pid) + ": not a test's own");
}

// The number behind `key` in a file of lines like `VmRSS:    1234 kB`; 0 if there is none.
std::size_t number_in(const fs::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) return std::stoul(line.substr(key.size()));
  }
  return 0;
}

}  // namespace

std::optional<Process> find_process(pid_t pid) {
  std::ifstream file(proc(pid, "stat"));
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  // proc_pid_stat(5): the name stands in parentheses and may hold some itself; the start time is field 22.
  const auto open = line.find('(');
  const auto close = line.rfind(')');
  if (open == line.npos || close == line.npos) return std::nullopt;
  Process process{.pid = pid, .name = line.substr(open + 1, close - open - 1)};
  std::istringstream fields(line.substr(close + 1));
  fields >> process.state >> process.parent;
  std::string skipped;
  for (int field = 5; field < 22; ++field) fields >> skipped;
  fields >> process.start_time;
  return process;
}

std::vector<Process> children_of(pid_t parent) {
  expect_own(parent);
  std::vector<Process> result = all_processes();
  std::erase_if(result, [&](const Process& p) { return p.parent != parent; });
  return result;
}

std::vector<Process> descendants_of(pid_t ancestor) {
  expect_own(ancestor);
  std::vector<Process> result = all_processes();
  std::set<pid_t> family{ancestor};
  // A child can have a lower pid than its parent, where the numbers have begun anew.
  for (std::size_t before = 0; before != family.size();) {
    before = family.size();
    for (const Process& process : result) {
      if (family.contains(process.parent)) family.insert(process.pid);
    }
  }
  std::erase_if(result, [&](const Process& process) { return !family.contains(process.parent); });
  return result;
}

bool signal_own_child(pid_t pid, int number) {
  if (pid <= 1) return false;
  // Fails with ECHILD for what is not a child of ours; leaves one that has ended to be waited for (waitid(2)).
  siginfo_t ignored{};
  if (waitid(P_PID, static_cast<id_t>(pid), &ignored, WEXITED | WNOHANG | WNOWAIT) != 0) return false;
  return kill(pid, number) == 0;
}

bool wait_until_gone(pid_t pid, milliseconds patience) {
  return eventually(
      [&] {
        const auto process = find_process(pid);
        if (process && process->state == 'Z' && process->parent == getpid()) waitpid(pid, nullptr, WNOHANG);
        return !process;
      },
      patience);
}

bool exists(const Process& process) {
  const auto now = find_process(process.pid);
  return now && now->start_time == process.start_time;
}

std::map<int, std::string> descriptors_of(pid_t pid) {
  std::map<int, std::string> result;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(proc(pid, "fd"), gone)) {
    const fs::path target = fs::read_symlink(entry.path(), gone);
    if (!gone) result[std::stoi(entry.path().filename())] = target;
  }
  return result;
}

std::map<std::string, int> descriptor_kinds_of(pid_t pid) {
  std::map<std::string, int> result;
  for (const auto& [fd, target] : descriptors_of(pid)) ++result[kind_of(target)];
  return result;
}

std::string working_folder_of(pid_t pid) {
  std::error_code gone;
  return fs::read_symlink(proc(pid, "cwd"), gone);
}

int descriptors_on_their_way_to(pid_t pid) {
  std::size_t count = 0;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(proc(pid, "fdinfo"), gone)) {
    count += number_in(entry.path(), "scm_fds:");
  }
  return static_cast<int>(count);
}

bool is_asleep(pid_t pid) {
  const auto process = find_process(pid);
  return process && process->state == 'S';
}

std::size_t waits_of(pid_t pid) {
  return number_in(proc(pid, "status"), "voluntary_ctxt_switches:");
}

milliseconds cpu_time_of(pid_t pid) {
  std::ifstream file(proc(pid, "stat"));
  std::string line;
  std::getline(file, line);
  // utime and stime are fields 14 and 15 (proc_pid_stat(5)); the name before them may hold anything.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  long user = 0;
  long system = 0;
  fields >> user >> system;
  return milliseconds((user + system) * 1000 / sysconf(_SC_CLK_TCK));
}

std::size_t mappings_of(pid_t pid) {
  std::ifstream file(proc(pid, "maps"));
  std::size_t lines = 0;
  for (std::string line; std::getline(file, line);) ++lines;
  return lines;
}

std::size_t address_space_kb_of(pid_t pid) {
  return number_in(proc(pid, "status"), "VmSize:");
}

std::size_t own_memory_kb_of(pid_t pid) {
  return number_in(proc(pid, "status"), "RssAnon:") + number_in(proc(pid, "status"), "RssShmem:");
}

std::size_t pss_kb_of(pid_t pid) {
  return number_in(proc(pid, "smaps_rollup"), "Pss:");
}

}  // namespace harness
