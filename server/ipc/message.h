// What master and worker say to each other. Each message is one packet of the channel: one of these structs, and behind
// it the bytes that its comment names. Both ends are the same binary, so the structs are what the compiler makes of
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace forklift::ipc {

enum class MessageType : std::uint32_t {
  // to the worker
  kLend = 1,
  kDrain,
  // to the master
  kStep,
  kImage,
  kFailed,
  kDone,
  kLog,
  kFree,
  kPlugin,
  // to `check`
  kLibrary,
};

// The steps of a worker's start, in order. A failure is logged by the name of the step that was not reached.
enum class Step : std::uint32_t { kForked = 1, kImaged, kConfined, kLoaded, kChecked, kCreated, kReady };

// `FORKED`, `IMAGED`, ...; `START` for a number that is none of them.
std::string_view to_string(Step step);

// Lends a connection: carries its descriptor, and behind the struct the `bytes` that were read so far.
struct Lend {
  MessageType type = MessageType::kLend;
  std::uint32_t bytes = 0;
  std::uint32_t head_bytes = 0;  // of `bytes`: where the head ends
  // Of `bytes`: how many at the end are still in the socket, because they were only peeked. On a Unix socket at least
  // one, so that a last close resets the connection instead of ending it cleanly; on TCP none.
  std::uint32_t unread = 0;
  std::uint64_t serial = 0;  // of this lend; never 0, never used again
  // 1: a client that has ended its half is gone (half_close: abort). As wide as the struct's alignment.
  std::uint64_t half_close_is_abort = 0;
};

// Finish the current request, then exit.
struct Drain {
  MessageType type = MessageType::kDrain;
};

// A step of the start was reached.
struct StepReached {
  MessageType type = MessageType::kStep;
  Step step = Step::kForked;
};

// IMAGED was reached; carries the descriptor of the generation's image.
struct Image {
  MessageType type = MessageType::kImage;
};

// What was loaded, ahead of CHECKED; behind the struct the image's build id, the plugin's name and its version, with a
// NUL behind each but the last.
struct Plugin {
  MessageType type = MessageType::kPlugin;
};

// The start ends here; behind the struct the reason, at most kTextMax bytes of it.
struct Failed {
  MessageType type = MessageType::kFailed;
  Step step = Step::kForked;  // the one that was not reached
};

// How a lent request ended in the worker, which has closed its descriptor by now.
enum class Ending : std::uint32_t {
  kComplete = 1,  // the response was sent and the connection shut down for writing
  kLinger,        // the same, but bytes of the client are, or may be, still to come: drain them before closing
  kAbort,         // the response broke off: reset the connection
};

struct Done {
  MessageType type = MessageType::kDone;
  Ending ending = Ending::kComplete;
  std::uint64_t serial = 0;
  std::uint64_t memory_bytes = 0;  // RSS of the worker afterwards; 0 where workers.max_memory does not ask for it
  std::uint32_t status = 0;        // of the response; 0 if none was sent, or the plugin sent it by handle_connection
  std::uint32_t client_gone = 0;   // 1: the client was the one who broke it off
  // 1: deferred work follows (forklift/defer.h), and FREE behind it; until then the worker takes no other request. As
  // wide as the struct's alignment.
  std::uint64_t defers = 0;
};

// The deferred work of the request is over.
struct Free {
  MessageType type = MessageType::kFree;
  std::uint32_t unused = 0;  // no bytes that nobody has written
  std::uint64_t serial = 0;
  std::uint64_t memory_bytes = 0;  // as in Done, whose own was before the work
};

// A line for the log; behind the struct its text, at most kTextMax bytes.
struct LogLine {
  MessageType type = MessageType::kLog;
  std::uint32_t level = 0;
};

// A library that the plugin has loaded from outside the system's folders; behind the struct its path.
struct Library {
  MessageType type = MessageType::kLibrary;
};

inline constexpr std::size_t kTextMax = 16 * 1024;

// The type of a message; a number that is none of them where it is too short to have one.
inline MessageType type_of(std::string_view bytes) {
  auto type = MessageType{};
  if (bytes.size() >= sizeof type) std::memcpy(&type, bytes.data(), sizeof type);
  return type;
}

// Takes a message's struct off the front of its bytes; what is left of them is what the struct's comment names. False
// if they are too few.
template <typename Message>
bool take(std::string_view& bytes, Message& message) {
  if (bytes.size() < sizeof message) return false;
  std::memcpy(static_cast<void*>(&message), bytes.data(), sizeof message);
  bytes.remove_prefix(sizeof message);
  return true;
}

// The most bytes of a request that one Lend carries, for an app whose heads are at most `head_limit`: the head with its
// framing, and as much of the body as has come along with it.
constexpr std::size_t lend_bytes_max(std::size_t head_limit) {
  return head_limit + 16 * 1024;
}

}  // namespace forklift::ipc
