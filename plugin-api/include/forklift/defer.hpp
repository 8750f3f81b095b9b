// forklift/defer.hpp - work for when the response was sent, in C++17 and later
//
//     #include <forklift/defer.hpp>
//     #include <forklift/plugin.hpp>
//
//     class Shop : public forklift::Plugin {
//      public:
//       explicit Shop(const forklift::Host& host) : defer_(host) {}
//
//       void produce(const forklift::Env& env, forklift::Body& body, forklift::Out& out) override {
//         Order order = take_order(env, body);
//         out.write("Content-Type: text/plain\n\nThank you\n");
//         defer_.after_response([order] { send_mail(order); });
//       }
//
//      private:
//       forklift::Defer defer_;
//     };
//
// When it runs, and when not, is said in forklift/defer.h. A function that is put off may refer to the plugin, and to
// nothing of its request: neither env, body and out, nor the string_views that came from them.
#ifndef FORKLIFT_DEFER_HPP
#define FORKLIFT_DEFER_HPP

#include <forklift/defer.h>

#include <exception>
#include <forklift/error.hpp>
#include <forklift/host.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#ifdef __GLIBCXX__
#include <cxxabi.h>
#endif

namespace forklift {
inline namespace api {

class Defer {
 public:
  // Keeps the reference. Where the host has no such service, is_there() is false, and work is not put off, but done.
  explicit Defer(const Host& host)
      : host_(&host), service_(static_cast<const forklift_defer*>(host.service(FORKLIFT_DEFER_ID))) {}

  bool is_there() const { return service_ != nullptr; }

  // Has `work` run when the response was sent; where the host cannot, it runs before this returns. Either way once, and
  // what it throws goes to the log and no further. An empty function is no work.
  //
  // Throws Error, and `work` does not run: FORKLIFT_ENOMEM for more than FORKLIFT_DEFER_MAX in one request,
  // FORKLIFT_EINVAL where there is no request.  [in produce() or handle_connection()]
  void after_response(std::function<void()> work) const {
    if (!work) return;
    auto task = std::make_unique<Task>(Task{host_, std::move(work)});
    if (service_ == nullptr) return task->run();
    const int result = service_->after_response(service_, run_and_delete, task.get());
    if (result == FORKLIFT_ENOMEM) throw Error(result, "putting off more work than a request may");
    detail::checked(result, "putting off work");
    static_cast<void>(task.release());  // run_and_delete's
  }

 private:
  struct Task {
    const Host* host;
    std::function<void()> work;

    // (A forced unwind has no object, only a type to catch it by; UndefinedBehaviorSanitizer would call that a null
    // reference.)
    __attribute__((noinline, no_sanitize("null"))) void run() const {
      try {
        work();
#ifdef __GLIBCXX__
      } catch (const abi::__forced_unwind&) {
        throw;  // pthread_cancel: whoever swallows it is aborted by the C library
#endif
      } catch (const std::exception& error) {
        host->log(Level::kError, std::string("deferred work: ") + error.what());
      } catch (...) {
        host->log(Level::kError, "deferred work: an exception that is not a std::exception");
      }
    }
  };

  static void run_and_delete(void* data) {
    std::unique_ptr<Task>(static_cast<Task*>(data))->run();
  }

  const Host* host_;
  const forklift_defer* service_;
};

}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_DEFER_HPP
