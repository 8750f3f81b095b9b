// What /proc says of the processes under test.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/waiting.h"

namespace harness {

// Whether this process is root's, and so what it starts.
inline bool is_root() {
  return geteuid() == 0;
}

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';              // as in ps(1): R, S, D, T, Z ...
  std::string name;              // comm
  std::uint64_t start_time = 0;  // with the pid, this names a process for ever
};

// nullopt if there is no such process.
std::optional<Process> find_process(pid_t pid);

// In the order of their pids. Both throw for 0 and 1: whoever asks for those has lost the pid of what it started.
std::vector<Process> children_of(pid_t parent);
std::vector<Process> descendants_of(pid_t ancestor);

// The one way in which the harness ends what it has not been told to end: signals a child of this process that was not
// waited for, whose pid can therefore be nobody else's. False, and nothing has happened, for every other pid.
bool signal_own_child(pid_t pid, int number);

// Waits until the process is gone. An orphan that has become a child of this process is reaped.
bool wait_until_gone(pid_t pid, milliseconds patience = kPatience);

// Whether it is still there: a zombie is, another process with the same pid is not.
bool exists(const Process& process);

// A process's open descriptors and what they lead to: "/dev/null", "socket:[4711]", "/memfd:forklift:hello.1
// (deleted)".
std::map<int, std::string> descriptors_of(pid_t pid);

// The same, counted by kind: numbers of sockets and pipes left out, so that two moments can be compared. A plugin's
// image is `image of APP`, of whichever generation.
std::map<std::string, int> descriptor_kinds_of(pid_t pid);

std::string working_folder_of(pid_t pid);

// Descriptors that were passed to the process (SCM_RIGHTS) and that it has not received yet.
int descriptors_on_their_way_to(pid_t pid);

// Whether it waits in a system call. A worker whose last response has ended does so when it has said DONE, and not
// before.
bool is_asleep(pid_t pid);

// How often it has begun to wait, since it began: so often something has woken it.
std::size_t waits_of(pid_t pid);

// What the process has used of the processors, in steps of 10 ms.
milliseconds cpu_time_of(pid_t pid);

std::size_t mappings_of(pid_t pid);       // lines of /proc/PID/maps
std::size_t address_space_kb_of(pid_t pid);
std::size_t own_memory_kb_of(pid_t pid);  // RssAnon and RssShmem: what it has written, and no file's pages
std::size_t pss_kb_of(pid_t pid);         // proportional: what shared pages really cost

}  // namespace harness
