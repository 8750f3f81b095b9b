// The service forklift.defer/1: what a plugin wants to be run when its response was sent.
#pragma once

#include <forklift/defer.h>

#include <array>
#include <cstddef>
#include <span>
#include <thread>

namespace forklift::plugin {

// Makes the table and is what its function works on; collects, and runs nothing. As with HostTable, it lives until the
// plugin's destroy() has returned, and cannot be moved.  [worker, made and used on its main thread]
class DeferredWork {
 public:
  struct Work {
    void (*function)(void* data) = nullptr;
    void* data = nullptr;
  };

  DeferredWork();
  DeferredWork(const DeferredWork&) = delete;
  DeferredWork& operator=(const DeferredWork&) = delete;

  const forklift_defer* table() const { return &table_; }

  // The time in which the plugin may hand in work: that of its produce() or handle_connection(). What is left of the
  // request before is forgotten at its beginning.
  class Window {
   public:
    explicit Window(DeferredWork* work) : work_(work) {
      if (work_) work_->count_ = 0, work_->is_open_ = true;
    }
    ~Window() {
      if (work_) work_->is_open_ = false;
    }
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;

   private:
    DeferredWork* work_;
  };

  // In the order in which it came.
  std::span<const Work> works() const { return {works_.data(), count_}; }
  bool is_empty() const { return count_ == 0; }
  void clear() { count_ = 0; }

 private:
  struct Table : forklift_defer {
    DeferredWork* self;
  };

  static int after_response(const forklift_defer* table, void (*function)(void*), void* data) noexcept;
  int add(const Work& work);

  Table table_{};
  const std::thread::id thread_ = std::this_thread::get_id();
  bool is_open_ = false;
  std::size_t count_ = 0;
  std::array<Work, FORKLIFT_DEFER_MAX> works_;
};

}  // namespace forklift::plugin
