#include "base/timers.h"

#include <utility>

namespace forklift {

void Timer::set(Timers& timers, TimePoint due) {
  cancel();
  if (due == kNever) return;
  due_ = due;
  timers_ = &timers;
  timers.insert(*this);
}

void Timer::cancel() {
  if (timers_) std::exchange(timers_, nullptr)->erase(*this);
}

void Timers::run(TimePoint now) {
  while (!heap_.empty() && heap_.front()->due_ <= now) {
    Timer& timer = *heap_.front();
    timer.cancel();
    // A copy, because the action may destroy its timer.
    const auto action = timer.action_;
    action();
  }
}

void Timers::insert(Timer& timer) {
  heap_.push_back(&timer);
  place(&timer, heap_.size() - 1);
  sift_up(timer.position_);
}

void Timers::erase(Timer& timer) {
  const std::size_t hole = timer.position_;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  place(last, hole);
  sift_up(hole);
  sift_down(last->position_);
}

void Timers::place(Timer* timer, std::size_t position) {
  heap_[position] = timer;
  timer->position_ = position;
}

void Timers::sift_up(std::size_t position) {
  Timer* timer = heap_[position];
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (heap_[parent]->due_ <= timer->due_) break;
    place(heap_[parent], position);
    position = parent;
  }
  place(timer, position);
}

void Timers::sift_down(std::size_t position) {
  Timer* timer = heap_[position];
  while (true) {
    std::size_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->due_ < heap_[child]->due_) ++child;
    if (timer->due_ <= heap_[child]->due_) break;
    place(heap_[child], position);
    position = child;
  }
  place(timer, position);
}

}  // namespace forklift
