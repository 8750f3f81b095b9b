// Uses what a C++ program may use and a plugin is often told not to: static objects, thread_local ones with
// destructors, threads of its own, and exceptions that pass from one thread to another.
#include <condition_variable>
#include <deque>
#include <forklift/plugin.hpp>
#include <future>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

// Made when the worker opens the plugin.
const std::map<std::string, int> static_numbers = {{"one", 1}, {"two", 2}, {"three", 3}};

int function_static() {
  static const std::vector<int> numbers(1000, 7);
  return numbers.back();
}

const forklift::Host* the_host = nullptr;

struct Diary {
  int entries = 0;
  ~Diary() {
    the_host->log(forklift::Level::kInfo, "a thread's diary of " + std::to_string(entries) + " entries is closed");
  }
};
thread_local Diary diary;

}  // namespace

class LivesFully : public forklift::Plugin {
 public:
  explicit LivesFully(const forklift::Host& host) {
    the_host = &host;
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { work(); });
  }

  // What still waits is done first.
  ~LivesFully() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      leaving_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    the_host->log(forklift::Level::kInfo, "all threads have been joined");
  }

  void produce(const forklift::Env& env, forklift::Body&, forklift::Out& out) override {
    const std::string number(env["REQUEST_URI"].substr(1));
    std::packaged_task<int()> task([number] { return compute(number); });
    std::future<int> result = task.get_future();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
    const int value = result.get();  // or the exception that the thread has thrown
    out.write("Content-Type: text/plain\n\n" + std::to_string(value));
  }

 private:
  static int compute(const std::string& number) {
    ++diary.entries;
    try {
      return static_numbers.at(number) * function_static();
    } catch (const std::out_of_range&) {
      throw std::runtime_error("no number is called " + number);
    }
  }

  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return leaving_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      std::packaged_task<int()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::packaged_task<int()>> tasks_;
  bool leaving_ = false;
  std::vector<std::thread> threads_;
};

FORKLIFT_PLUGIN_CLASS(LivesFully, "lives_fully", "1.0");
