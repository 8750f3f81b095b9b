// The process between a worker and a program. It is the leader of the program's process group, the parent of what the
// program leaves behind, and ends all of that, but for what has a session of its own, when it is told to, or when the
// worker is gone, however it went: the worker's end of their connection is closed then. What has left the group and not
// the session it finds in /proc.
//
// Why a process: a worker that is killed can end nothing any more, and its master's signals go to the worker's own
// group. PR_SET_PDEATHSIG (prctl(2)) alone would leave the program's children. And as the number of a group is its
// leader's, a group whose leader waits here cannot become somebody else's between two signals.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace cgi {

// All that the keeper needs, made before the fork: from there on to exec(3) nothing but what signal-safety(7) allows.
struct Plan {
  const char* file = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  const char* folder = nullptr;
  int standard[3] = {-1, -1, -1};  // of the program; each more than 2
  // A copy of the writing end of its standard input, or -1: a worker that dies is not to end a body for it. More
  // than 2.
  int input = -1;
  int control = -1;  // the keeper's end of a SOCK_SEQPACKET socket pair; more than 2
  int grace_ms = 0;  // between TERM and KILL
};

// What the keeper says on it. The worker says kEndOrder when the program is to end; its own end says the same, with a
// grace of 2 s at most, as nobody is there any more who would wait for it.
inline constexpr char kEndOrder = 'e';
inline constexpr char kInputOrder = 'i';  // the whole body is written: let go of `input`
inline constexpr int kOrphanGraceMs = 2000;
struct KeeperMessage {
  enum Kind : std::int32_t {
    kFailed,  // the program could not be started; `value` is an errno, of exec(3) where `in_exec`
    kExited,  // `value` is the program's status (waitpid(2))
  };
  std::int32_t kind = kFailed;
  std::int32_t value = 0;
  std::int32_t in_exec = 0;
};

// The keeper's exit status.
inline constexpr int kKeeperDone = 0;
inline constexpr int kKeeperKilled = 1;  // something has ignored TERM

// Runs the program and keeps it. All signals are blocked when it is called, in a process that was just forked.
[[noreturn]] void keep(const Plan& plan);

}  // namespace cgi
