// forklift/testing/plugin.hpp - a plugin under test; part of forklift/testing.hpp
#ifndef FORKLIFT_TESTING_PLUGIN_HPP
#define FORKLIFT_TESTING_PLUGIN_HPP

#include <cxxabi.h>
#include <dlfcn.h>
#include <forklift/plugin.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <forklift/testing/exchange.hpp>
#include <forklift/testing/host.hpp>
#include <forklift/testing/request.hpp>
#include <forklift/testing/response.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

namespace forklift {
namespace testing {

// One instance of a plugin: created here, destroyed with this object. Any number of them may live side by side, each
// with a host of its own. Requests to one of them come one after the other, as in a worker.
//
// The constructors throw Refused where create() refuses, and std::runtime_error where a worker would not take the
// plugin at all, or the file cannot be opened.
class Plugin {
  template <class... Settings>
  using IfTexts = std::enable_if_t<(std::is_convertible_v<const Settings&, std::string_view> && ...)>;

 public:
  // The plugin that is linked into the test.
  Plugin() : Plugin(Host()) {}
  explicit Plugin(Host host) : Plugin(forklift_plugin_v1(), std::move(host)) {}
  // With settings, as `path=value`.
  template <class... More, class = IfTexts<More...>>
  explicit Plugin(std::string_view setting, const More&... more) : Plugin(Host(setting, more...)) {}

  // A plugin by its descriptor: one of several in a test.
  Plugin(const forklift_plugin* descriptor, Host host)
      : descriptor_(check(descriptor)), host_(std::make_unique<HostTable>(std::move(host))) {
    create();
  }

  // A plugin in a file, opened as a worker does: every symbol bound at once, none visible to others; never closed. For
  // plugins in any language.
  static Plugin load(const std::string& path, Host host = Host()) { return Plugin(open(path), std::move(host)); }
  template <class... More, class = IfTexts<More...>>
  static Plugin load(const std::string& path, std::string_view setting, const More&... more) {
    return load(path, Host(setting, more...));
  }
  // Its descriptor alone.
  static const forklift_plugin* open(const std::string& path) {
    void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) throw std::runtime_error(::dlerror());
    void* const symbol = ::dlsym(handle, FORKLIFT_ENTRY_SYMBOL);
    if (symbol == nullptr) {
      throw std::runtime_error(path + ": the plugin exports no " FORKLIFT_ENTRY_SYMBOL
                                      ": does it use FORKLIFT_PLUGIN, and is the symbol visible?");
    }
    return check(reinterpret_cast<forklift_plugin_entry>(symbol)());
  }

  Plugin(Plugin&& other) noexcept
      : descriptor_(other.descriptor_),
        host_(std::move(other.host_)),
        instance_(other.instance_),
        is_created_(std::exchange(other.is_created_, false)) {}
  Plugin& operator=(Plugin&&) = delete;
  ~Plugin() { destroy(); }

  // Answers a request as a worker would: calls produce(), decides from its result what the client gets, and then runs
  // what was deferred. Exceptions that leave produce() are failures like any other. std::logic_error where a worker
  // would not call it: there is none, or there is a handle_connection().
  Response produce(const Request& request = Request()) {
    if (descriptor_->produce == nullptr) throw std::logic_error("this plugin has no produce()");
    if (FORKLIFT_HAS(descriptor_, handle_connection)) {
      throw std::logic_error("this plugin has a handle_connection(), and its produce() is never called");
    }
    const std::size_t lines = host_->log_lines().size();
    Response response;
    detail::Exchange exchange(request, response);
    const Verdict verdict = call(exchange, response);
    exchange.free_tables();
    response.body_read = exchange.reader().taken();
    conclude(request, verdict, exchange, response);
    response.deferred = run_deferred(request);
    const std::vector<LogLine> all = host_->log_lines();
    response.log.assign(all.begin() + static_cast<std::ptrdiff_t>(lines), all.end());
    return response;
  }

  // The plugin's own way with a connection: what its handle_connection() returns. `fd` and what is read from its other
  // end are the test's. Exceptions pass. What it has deferred has run at the return, however it ends.
  int handle_connection(int fd, std::string_view head) {
    if (!FORKLIFT_HAS(descriptor_, handle_connection)) throw std::logic_error("this plugin has no handle_connection()");
    int result = 0;
    try {
      const detail::DeferredWork::Window window(host_->deferred_);
      result = descriptor_->handle_connection(instance_, fd, head.data(), head.size());
    } catch (...) {
      run_deferred(request_of(head));
      throw;
    }
    run_deferred(request_of(head));
    return result;
  }

  // What the destructor does, now. Then log() is still there, and nothing else.
  void destroy() {
    if (std::exchange(is_created_, false) && descriptor_->destroy != nullptr) descriptor_->destroy(instance_);
  }

  const forklift_plugin& descriptor() const { return *descriptor_; }
  void* instance() const { return instance_; }
  const HostTable& host() const { return *host_; }

  // All that was logged so far: in create(), with each request, in destroy(), by threads.
  std::vector<LogLine> log() const { return host_->log_lines(); }

  // The plugin's own numbers (forklift/stats.h): all, and one's value. std::out_of_range where it has not registered
  // it.
  std::vector<Stat> stats() const { return host_->stats(); }
  std::int64_t stat(std::string_view name) const {
    for (const Stat& stat : stats()) {
      if (stat.name == name) return stat.value;
    }
    throw std::out_of_range("the plugin has not registered " + detail::quote(name));
  }

 private:
  struct Verdict {
    bool ok = false;
    std::string reason;
  };

  static const forklift_plugin* check(const forklift_plugin* plugin) {
    const auto wrong = [](const std::string& why) { return std::runtime_error("the plugin " + why); };
    if (plugin == nullptr) throw wrong("has no descriptor: " FORKLIFT_ENTRY_SYMBOL "() returned NULL");
    const forklift_version& version = plugin->version;
    if (version.major != FORKLIFT_API_MAJOR || version.minor > FORKLIFT_API_MINOR) {
      throw wrong("was built for version " + std::to_string(version.major) + "." + std::to_string(version.minor) +
                  " of the plugin API, this host has " + std::to_string(FORKLIFT_API_MAJOR) + "." +
                  std::to_string(FORKLIFT_API_MINOR));
    }
    constexpr std::size_t kBytesMin =
        offsetof(forklift_plugin, handle_connection) + sizeof(forklift_plugin::handle_connection);
    if (version.size < kBytesMin || version.size > 4096) {
      throw wrong("has a descriptor of " + std::to_string(version.size) + " bytes; this host expects " +
                  std::to_string(kBytesMin) + " to 4096");
    }
    const std::string_view name = plugin->name == nullptr ? "" : plugin->name;
    if (name.empty() || name.size() > 63 ||
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") != name.npos) {
      throw wrong("has the name " + detail::quote(name) + ", which is not 1 to 63 characters of [a-z0-9_-]");
    }
    if (plugin->produce == nullptr && !FORKLIFT_HAS(plugin, handle_connection)) {
      throw wrong(detail::quote(name) + " has neither a produce nor a handle_connection function");
    }
    return plugin;
  }

  // (no_sanitize: a thread's cancellation carries no exception object, which the sanitizer takes for a null reference.)
  __attribute__((noinline, no_sanitize("null"))) void create() {
    host_->has_requests_ = true;
    if (descriptor_->create != nullptr) {
      int result = 0;
      std::string thrown;
      try {
        result = descriptor_->create(host_.get(), &instance_);
#ifdef __GLIBCXX__
      } catch (const abi::__forced_unwind&) {
        throw;  // pthread_cancel: whoever swallows it is aborted by the C library
#endif
      } catch (const std::exception& e) {
        thrown = std::string("create threw ") + typeid(e).name() + ": " + e.what();
      } catch (...) {
        thrown = "create threw an exception that is no std::exception";
      }
      if (!thrown.empty()) throw Refused(thrown, std::nullopt, thrown);
      if (result != 0) throw host_->refusal();
    }
    host_->stats_.close();
    is_created_ = true;
  }

  // Makes a call of the plugin's `function`, and returns what is to be said of the exception that leaves it; nothing
  // if none does. (no_sanitize: as above.)
  template <class Call>
  __attribute__((noinline, no_sanitize("null"))) static std::string thrown_by(const std::string& function,
                                                                              const Call& call) {
    const pid_t process = ::getpid();
    std::string thrown;
    try {
      call();
#ifdef __GLIBCXX__
    } catch (const abi::__forced_unwind&) {
      throw;  // as above
#endif
    } catch (const std::exception& e) {
      thrown = "an exception left " + function + ": " + e.what();
    } catch (...) {
      thrown = "an exception that is no std::exception left " + function;
    }
    if (::getpid() != process) {
      std::fputs(("a process that the plugin has forked has returned from " + function + "; it ends here\n").c_str(),
                 stderr);
      ::_exit(1);
    }
    return thrown;
  }

  Verdict call(detail::Exchange& exchange, Response& response) {
    Verdict verdict;
    const detail::DeferredWork::Window window(host_->deferred_);
    const std::string thrown = thrown_by("produce", [&] {
      const int result = descriptor_->produce(instance_, exchange.env(), exchange.body(), exchange.out());
      response.result = result;
      verdict.ok = result == 0;
      verdict.reason = response.reason.empty() ? "produce returned " + std::to_string(result) : response.reason;
    });
    if (!thrown.empty()) verdict.reason = thrown;
    if (!verdict.ok && exchange.told_gone() && exchange.writer().error() == 0) {
      exchange.writer().fail(FORKLIFT_EGONE, "the client closed the connection");
    }
    return verdict;
  }

  // Runs what `request` has deferred, and returns how many works that were.
  std::size_t run_deferred(const Request& request) {
    const std::vector<detail::DeferredWork::Work> works = host_->deferred_.take();
    for (const auto& work : works) {
      const std::string thrown = thrown_by("deferred work", [&] { work.function(work.data); });
      if (!thrown.empty()) {
        host_->add_line(FORKLIFT_LOG_ERROR, title(request) + ": " + detail::escape(thrown, false));
      }
    }
    return works.size();
  }

  // The request that an SCGI head is of, as far as it can be read: for the log.
  static Request request_of(std::string_view head) {
    Texts variables;
    const std::size_t colon = head.find(':');
    head.remove_prefix(colon == head.npos ? head.size() : colon + 1);
    while (true) {
      const std::size_t name = head.find('\0');
      const std::size_t value = name == head.npos ? name : head.find('\0', name + 1);
      if (value == head.npos) return Request::of(std::move(variables));
      variables.emplace_back(head.substr(0, name), head.substr(name + 1, value - name - 1));
      head.remove_prefix(value + 1);
    }
  }

  // Decides what the client gets.
  void conclude(const Request& request, const Verdict& verdict, detail::Exchange& exchange, Response& response) {
    detail::Writer& out = exchange.writer();
    const int body_error = exchange.reader().error();
    const bool produced = verdict.ok && body_error == 0 && out.error() == 0;
    if (produced && out.finish() == 0) {
      response.complete = true;
    } else if (body_error == FORKLIFT_EGONE || out.error() == FORKLIFT_EGONE) {
      response.failure = "the client closed the connection";
      host_->add_line(FORKLIFT_LOG_INFO, title(request) + ": " + response.failure);
    } else {
      int status = 500;
      response.failure = out.error() != 0 ? out.problem() : verdict.reason;
      if (body_error == FORKLIFT_ESHORT) {
        status = 400;
        response.failure = "the body is shorter than its Content-Length";
      } else if (body_error == FORKLIFT_ETIMEOUT) {
        status = 408;
        response.failure = "the body has made no progress for timeouts.body, or is slower than limits.body_rate";
      }
      response.failure = detail::escape(response.failure, false);
      log_failure(request, out.started() ? 0 : status, response.failure);
      response.complete = !out.started() && out.replace(status) == 0;
    }
    response.client_gone = body_error == FORKLIFT_EGONE || out.error() == FORKLIFT_EGONE;
    if (out.head_bytes() > 4096) {
      host_->add_line(FORKLIFT_LOG_WARNING,
                      title(request) + ": the head of the response has " + std::to_string(out.head_bytes()) +
                          " bytes; nginx's buffer has 4 or 8 KiB by default, and a longer head becomes a 502 there: "
                          "raise scgi_buffer_size");
    }
  }

  void log_failure(const Request& request, int status, const std::string& reason) {
    if (status == 0) {
      host_->add_line(FORKLIFT_LOG_ERROR, title(request) + " aborted: " + reason);
    } else if (status >= 500) {
      host_->add_line(FORKLIFT_LOG_ERROR, title(request) + " answered " + std::to_string(status) + ": " + reason);
    } else {
      host_->add_line(FORKLIFT_LOG_WARNING, title(request) + " refused with " + std::to_string(status) + ": " + reason);
    }
  }

  static std::string title(const Request& request) {
    const std::string_view method = request.variable("REQUEST_METHOD");
    std::string_view uri;
    for (const char* name : {"REQUEST_URI", "SCRIPT_NAME", "PATH_INFO"}) {
      if (uri.empty()) uri = request.variable(name);
    }
    const std::size_t shown = detail::cut_at_character(method, 32);
    return (method.empty() ? "?" : detail::escape(method.substr(0, shown), true)) +
           (shown < method.size() ? "..." : "") + " " + detail::quote(uri);
  }

  const forklift_plugin* descriptor_;
  std::unique_ptr<HostTable> host_;
  void* instance_ = nullptr;
  bool is_created_ = false;
};

// The refusal that creating a plugin ends with, for tests of settings that are wrong:
//
//     const Refused refused = refusal([] { Plugin plugin("port=x"); });
//
// std::logic_error where it is not refused.
template <class Create>
Refused refusal(const Create& create) {
  try {
    create();
  } catch (const Refused& refused) {
    return refused;
  }
  throw std::logic_error("the plugin was created, and was not to be");
}

}  // namespace testing
}  // namespace forklift

#endif  // FORKLIFT_TESTING_PLUGIN_HPP
