// forklift/plugin.hpp - Forklift plugins in C++17 and later
//
//     #include <forklift/plugin.hpp>
//
//     class Hello : public forklift::Plugin {
//      public:
//       explicit Hello(const forklift::Host& host) : greeting_(host.settings().text("greeting", "Hello")) {}
//
//       void produce(const forklift::Env&, forklift::Body&, forklift::Out& out) override {
//         out.begin(200, {{"Content-Type", "text/plain; charset=utf-8"}});
//         out.write(greeting_ + ", world\n");
//       }
//
//      private:
//       std::string greeting_;
//     };
//
//     FORKLIFT_PLUGIN_CLASS(Hello, "hello", "1.0");
//
//     c++ -std=c++17 -shared -fPIC -fvisibility=hidden -I plugin-api/include hello.cc -o hello.so
//
// Everything here is inline and lives inside the plugin. What crosses to the host is the C of forklift/plugin.h, where
// lifetimes, orders of calls and limits are written down; this header adds types and errors that can't be overlooked:
//
//   - A call that fails throws forklift::Error. Nothing needs to be checked: left alone, it ends produce(), and the
//     host answers 400, 408 or 500, or resets the connection, as the case may be. The try_ forms never throw or wait.
//   - Any exception that leaves produce() is a failed request, one that leaves the constructor refuses to serve; what()
//     goes to the log, never to the client. Nothing is thrown across the boundary, except that a thread's cancellation
//     (pthread_cancel) passes through.
//   - Texts are std::string_view. Those that come from the host are NUL-terminated: data() may be given to C.
#ifndef FORKLIFT_PLUGIN_HPP
#define FORKLIFT_PLUGIN_HPP

#include <forklift/plugin.h>

#include <forklift/connection.hpp>
#include <forklift/error.hpp>
#include <forklift/host.hpp>
#include <forklift/request.hpp>
#include <forklift/response.hpp>
#include <forklift/settings.hpp>

namespace forklift {
inline namespace api {

// What an author derives from. The constructor takes a `const forklift::Host&`, or nothing; it runs once, before the
// first request. The destructor runs when the worker leaves, unless it is killed.
class Plugin {
 public:
  Plugin() = default;
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  virtual ~Plugin() = default;

  // Answers one request. Returning means that the response is complete.
  virtual void produce(const Env& env, Body& body, Out& out) = 0;
};

// The same for a plugin that speaks SCGI itself. Most plugins are better off with the above.
class ConnectionPlugin {
 public:
  ConnectionPlugin() = default;
  ConnectionPlugin(const ConnectionPlugin&) = delete;
  ConnectionPlugin& operator=(const ConnectionPlugin&) = delete;
  virtual ~ConnectionPlugin() = default;

  // Answers one request. Returning means that the response is complete; after an exception the connection is reset.
  virtual void handle_connection(const Connection& connection) = 0;
};

}  // namespace api
}  // namespace forklift

#include <forklift/detail/glue.hpp>

// Defines the exported function, the descriptor and the note for `Class`, in one translation unit of the plugin. Name
// and version are string literals.
#define FORKLIFT_PLUGIN_CLASS(Class, plugin_name, version_text)               \
  FORKLIFT_NOTE(plugin_name, version_text);                                   \
  extern "C" FORKLIFT_EXPORT const forklift_plugin* forklift_plugin_v1(void); \
  extern "C" const forklift_plugin* forklift_plugin_v1(void) {                \
    static constexpr forklift_plugin descriptor =                             \
        ::forklift::detail::Glue<Class>::describe(plugin_name, version_text); \
    return &descriptor;                                                       \
  }                                                                           \
  static_assert(true, "")

#endif  // FORKLIFT_PLUGIN_HPP
