// Part of forklift/plugin.hpp, which has defined Plugin and ConnectionPlugin before: the C functions of a descriptor,
// for a class.
#ifndef FORKLIFT_DETAIL_GLUE_HPP
#define FORKLIFT_DETAIL_GLUE_HPP

#include <cxxabi.h>
#include <forklift/plugin.h>

#include <cstddef>
#include <exception>
#include <forklift/connection.hpp>
#include <forklift/error.hpp>
#include <forklift/host.hpp>
#include <forklift/request.hpp>
#include <forklift/response.hpp>
#include <forklift/settings.hpp>
#include <type_traits>

namespace forklift {
inline namespace api {

namespace detail {

// Runs `action` and returns its result; an exception is given to `report` and becomes a non-zero result. (A forced
// unwind has no object, only a type to catch it by; UndefinedBehaviorSanitizer would call that a null reference.)
template <class Action, class Report>
__attribute__((noinline, no_sanitize("null"))) int guarded(const Action& action, const Report& report) {
  try {
    return action();
#ifdef __GLIBCXX__
  } catch (const abi::__forced_unwind&) {
    throw;  // pthread_cancel: whoever swallows it is aborted by the C library
#endif
  } catch (const Error& error) {
    report(error.what());
    return error.code() != FORKLIFT_OK ? error.code() : FORKLIFT_EINVAL;
  } catch (const std::exception& error) {
    report(error.what());
  } catch (...) {
    report("an exception that is not a std::exception");
  }
  return 1;
}

// The descriptor's functions for one class.
template <class Class>
class Glue {
  static constexpr bool kProduces = std::is_convertible_v<Class*, Plugin*>;
  static constexpr bool kHandlesConnections = std::is_convertible_v<Class*, ConnectionPlugin*>;

  static_assert(kProduces || kHandlesConnections,
                "a plugin's class derives publicly from forklift::Plugin (or forklift::ConnectionPlugin)");
  static_assert(
      !std::is_abstract_v<Class> || !kProduces,
      "a plugin's class defines void produce(const forklift::Env&, forklift::Body&, forklift::Out&) override");
  static_assert(!std::is_abstract_v<Class> || !kHandlesConnections,
                "a plugin's class defines void handle_connection(const forklift::Connection&) override");
  static_assert(std::is_constructible_v<Class, const Host&> || std::is_default_constructible_v<Class>,
                "a plugin's class has a public constructor that takes a const forklift::Host&, or nothing");

 public:
  static constexpr forklift_plugin describe(const char* name, const char* plugin_version) {
    forklift_plugin plugin{
        FORKLIFT_VERSION_OF(forklift_plugin), name, plugin_version, create, nullptr, destroy, nullptr};
    if constexpr (kProduces) plugin.produce = produce;
    if constexpr (kHandlesConnections) plugin.handle_connection = handle_connection;
    return plugin;
  }

 private:
  struct Instance {
    explicit Instance(const forklift_host* raw) : host(raw), plugin(construct(host)) {}

    static Class construct(const Host& host) {
      if constexpr (std::is_constructible_v<Class, const Host&>) {
        return Class(host);
      } else {
        return static_cast<void>(host), Class();
      }
    }

    Host host;
    Class plugin;
  };

  static int create(const forklift_host* host, void** instance) {
    return guarded(
        [=] {
          try {
            *instance = new Instance(host);
            return static_cast<int>(FORKLIFT_OK);
          } catch (const SettingError& error) {
            host->refuse(host, error.path(), error.reason());
            return static_cast<int>(FORKLIFT_EINVAL);
          }
        },
        [=](const char* reason) { host->refuse(host, nullptr, reason); });
  }

  static int produce(void* instance, const forklift_env* raw_env, forklift_body* raw_body, forklift_out* raw_out) {
    return guarded(
        [=] {
          const Env env(raw_env);
          Body body(raw_body);
          Out out(raw_out);
          Plugin& plugin = static_cast<Instance*>(instance)->plugin;  // where produce() is public
          plugin.produce(env, body, out);
          return static_cast<int>(FORKLIFT_OK);
        },
        [=](const char* reason) { raw_out->fail(raw_out, reason); });
  }

  static int handle_connection(void* instance, int fd, const void* head, std::size_t size) {
    return guarded(
        [=] {
          ConnectionPlugin& plugin = static_cast<Instance*>(instance)->plugin;
          plugin.handle_connection(Connection(fd, head, size));
          return static_cast<int>(FORKLIFT_OK);
        },
        [=](const char* reason) { static_cast<Instance*>(instance)->host.log(Level::kError, reason); });
  }

  static void destroy(void* instance) { delete static_cast<Instance*>(instance); }
};

}  // namespace detail

}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_DETAIL_GLUE_HPP
