#include "plugin/deferred_work.h"

#include "base/log.h"

namespace forklift::plugin {

namespace {

// No exception crosses into the plugin, not even that the log has no memory.
int refuse(int code, const char* why) noexcept {
  try {
    log::error("after_response: {}", why);
  } catch (...) {
  }
  return code;
}

}  // namespace

DeferredWork::DeferredWork() {
  table_.version = FORKLIFT_VERSION_OF(forklift_defer);
  table_.after_response = after_response;
  table_.self = this;
}

int DeferredWork::after_response(const forklift_defer* table, void (*function)(void*), void* data) noexcept {
  if (table == nullptr || function == nullptr) return refuse(FORKLIFT_EINVAL, "the service, or the work, is NULL");
  return static_cast<const Table*>(table)->self->add({function, data});
}

int DeferredWork::add(const Work& work) {
  // First: another thread must look at nothing else.
  if (std::this_thread::get_id() != thread_)
    return refuse(FORKLIFT_EINVAL, "called on another thread than produce()'s");
  if (!is_open_) return refuse(FORKLIFT_EINVAL, "called outside of produce() and handle_connection()");
  if (count_ == works_.size()) return FORKLIFT_ENOMEM;
  works_[count_++] = work;
  return FORKLIFT_OK;
}

}  // namespace forklift::plugin
