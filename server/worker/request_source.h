// Where a worker's requests come from: the one place that knows by which road they reach it.
#pragma once

#include <optional>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"
#include "ipc/message.h"

namespace forklift::worker {

// A connection whose head is complete, with the bytes that were read before it came here.
struct Lent {
  UniqueFd connection;
  ipc::Lend lend;
  std::span<char> bytes;  // `lend.bytes` of them; valid until the next call of next()
};

class RequestSource {
 public:
  virtual ~RequestSource() = default;

  // Waits for the next request. nullopt: there is none any more, the worker is to leave. An error is a broken channel.
  virtual Result<std::optional<Lent>> next() = 0;

  // Reports how the request of the last next() ended. Its connection is closed by then.
  virtual Result<void> done(const ipc::Done& done) = 0;
  // Reports that the deferred work of that request is over, behind a DONE that has promised it.
  virtual Result<void> free(const ipc::Free& free) = 0;
};

}  // namespace forklift::worker
