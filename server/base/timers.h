// All deadlines of a process in one structure: a binary heap of timers that their owners embed. Setting, moving and
// cancelling cost O(log n) and allocate nothing once the heap has grown.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "base/clock.h"

namespace forklift {

class Timers;

// One deadline. Embedded in the object that it belongs to, which must not move while the timer is set.
class Timer {
 public:
  explicit Timer(std::function<void()> action) : action_(std::move(action)) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }

  // Runs the action once, at the first Timers::run() at or after `due`. Moves the deadline if it was set already;
  // kNever cancels it.
  void set(Timers& timers, TimePoint due);
  void cancel();

  bool is_set() const { return timers_ != nullptr; }
  TimePoint due() const { return due_; }

 private:
  friend class Timers;
  std::function<void()> action_;
  Timers* timers_ = nullptr;
  std::size_t position_ = 0;
  TimePoint due_ = kNever;
};

class Timers {
 public:
  // When run() has something to do next; kNever if no timer is set.
  TimePoint next() const { return heap_.empty() ? kNever : heap_.front()->due_; }

  // Runs the actions of all timers that are due at `now`, the earliest first. An action may set and cancel any timer,
  // its own included, and destroy their owners; one that it sets to `now` or before runs in the same call.
  void run(TimePoint now);

 private:
  friend class Timer;
  void insert(Timer& timer);
  void erase(Timer& timer);
  void place(Timer* timer, std::size_t position);
  void sift_up(std::size_t position);
  void sift_down(std::size_t position);

  std::vector<Timer*> heap_;
};

}  // namespace forklift
