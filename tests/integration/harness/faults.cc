#include "harness/faults.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/unique_fd.h"

namespace harness {
namespace {

shim_faults* map_new_file(const std::string& path) {
  const forklift::UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd || ftruncate(fd.get(), sizeof(shim_faults)) != 0) {
    throw std::system_error(errno, std::generic_category(), path);
  }
  void* map = mmap(nullptr, sizeof(shim_faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (map == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap " + path);
  return static_cast<shim_faults*>(map);
}

}  // namespace

Faults::Faults(Server& server) : shared_(map_new_file(server.folder() / "faults")) {
  server.preload("faults");
  server.add_environment("SHIM_FAULTS=" + server.folder() / "faults");
}

Faults::~Faults() {
  clear();
  munmap(shared_, sizeof *shared_);
}

void Faults::fail(shim_call call, int error, const Which& which) {
  withdraw(call);
  shim_fault& fault = shared_->calls[call];
  fault.error = error;
  fault.after = which.after;
  fault.count = which.count;
  __atomic_store_n(&fault.seen, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&fault.places, which.places, __ATOMIC_RELEASE);
}

void Faults::step_clock(seconds ahead) {
  __atomic_store_n(&shared_->clock_step, ahead.count(), __ATOMIC_RELAXED);
}

void Faults::clear() {
  for (int call = 0; call < SHIM_CALLS; ++call) withdraw(static_cast<shim_call>(call));
}

void Faults::withdraw(shim_call call) {
  if (__atomic_exchange_n(&shared_->calls[call].places, 0, __ATOMIC_RELAXED) == 0) return;
  EXPECT_GT(failed(call), 0u) << strerrorname_np(shared_->calls[call].error) << " was set and no call has met it";
}

unsigned Faults::failed(shim_call call) const {
  const shim_fault& fault = shared_->calls[call];
  const unsigned seen = __atomic_load_n(&fault.seen, __ATOMIC_RELAXED);
  return std::min(seen - std::min(seen, fault.after), fault.count);
}

}  // namespace harness
