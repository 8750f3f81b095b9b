#include "worker/lend_source.h"

#include <unistd.h>

#include <array>
#include <cstring>

namespace forklift::worker {

namespace {

constexpr std::array<std::string_view, 3> kStandard = {"standard input", "standard output", "standard error"};

}  // namespace

LendSource::LendSource(ipc::Channel& channel, std::size_t lend_bytes) : channel_(channel), bytes_(lend_bytes) {}

Result<std::optional<Lent>> LendSource::next() {
  Lent lent;
  iovec parts[] = {{&lent.lend, sizeof lent.lend}, {bytes_.data(), bytes_.size()}};
  auto received = channel_.receive(parts, ipc::Wait::kYes);
  if (!received) return Failure(received.error());
  if (!*received) return fail("no message from the master");
  if ((*received)->lost_fd) return fail("a message has lost its descriptor: too many are open");

  const std::size_t size = (*received)->bytes;
  if (size == 0) return std::nullopt;  // the master is gone
  if (lent.lend.type == ipc::MessageType::kDrain) return std::nullopt;
  if (lent.lend.type != ipc::MessageType::kLend || size != sizeof(ipc::Lend) + lent.lend.bytes || !(*received)->fd) {
    return fail("a message from the master that is no lend ({} bytes)", size);
  }
  // The kernel gives the lowest number that is free. What others print there would go to the client; not taken, the
  // master lends it to another worker.
  if (const auto fd = static_cast<std::size_t>((*received)->fd.get()); fd < kStandard.size()) {
    return fail("the plugin has closed its {} (descriptor {}), and a connection came in its place", kStandard[fd], fd);
  }
  lent.connection = std::move((*received)->fd);
  lent.bytes = {bytes_.data(), lent.lend.bytes};
  return std::optional<Lent>(std::move(lent));
}

Result<void> LendSource::done(const ipc::Done& done) {
  return channel_.send(done);
}

Result<void> LendSource::free(const ipc::Free& free) {
  return channel_.send(free);
}

}  // namespace forklift::worker
