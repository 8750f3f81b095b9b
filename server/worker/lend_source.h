// The road called lend: the master holds each connection until its head is complete and passes a duplicate of it.
#pragma once

#include <cstddef>
#include <vector>

#include "ipc/channel.h"
#include "ipc/page.h"
#include "worker/request_source.h"

namespace forklift::worker {

class LendSource final : public RequestSource {
 public:
  // `lend_bytes`: the most that one lend carries. The channel is the worker's and outlives the source.
  LendSource(ipc::Channel& channel, std::size_t lend_bytes);

  // Also an error: the plugin has closed a standard descriptor, whose place the connection would take. It is not taken
  // then.
  Result<std::optional<Lent>> next() override;
  Result<void> done(const ipc::Done& done) override;
  Result<void> free(const ipc::Free& free) override;

 private:
  ipc::Channel& channel_;
  std::vector<char> bytes_;
};

}  // namespace forklift::worker
