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
//   - A call that fails throws forklift::Error. Nothing needs to be checked: left alone, it ends produce(), and the host
//     answers 400, 408 or 500, or resets the connection, as the case may be. The try_ forms never throw or wait.
//   - Any exception that leaves produce() is a failed request, one that leaves the constructor refuses to serve; what()
//     goes to the log, never to the client. Nothing is thrown across the boundary, except that a thread's cancellation
//     (pthread_cancel) passes through.
//   - Texts are std::string_view. Those that come from the host are NUL-terminated: data() may be given to C.
#ifndef FORKLIFT_PLUGIN_HPP
#define FORKLIFT_PLUGIN_HPP

#include <cxxabi.h>
#include <forklift/plugin.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <forklift/detail/c_text.hpp>
#include <forklift/settings.hpp>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>
#if __cplusplus >= 202002L
#include <span>
#endif

namespace forklift {
inline namespace api {

// A call of the host that failed: `reading the body: the client is gone`.
class Error : public std::runtime_error {
 public:
  Error(std::int64_t code, const std::string& doing)
      : std::runtime_error(doing + ": " + describe(code)), code_(static_cast<int>(code)) {}

  // One of FORKLIFT_E...
  int code() const noexcept { return code_; }

  static const char* describe(std::int64_t code) noexcept {
    switch (code) {
      case FORKLIFT_EAGAIN:
        return "nothing can be done without waiting";
      case FORKLIFT_EGONE:
        return "the client is gone";
      case FORKLIFT_ETIMEOUT:
        return "the client made no progress in time";
      case FORKLIFT_ESHORT:
        return "the body broke off before its end";
      case FORKLIFT_EINVAL:
        return "a wrong argument, or a call in the wrong order";
      case FORKLIFT_ENOMEM:
        return "out of memory";
      case FORKLIFT_EIO:
        return "a system call failed";
      default:
        return "an unknown failure";
    }
  }

 private:
  int code_;
};

namespace detail {

// What the host returned, if it is no error.
template <class Result>
Result checked(Result result, const char* doing) {
  if (result < 0) throw Error(result, doing);
  return result;
}

}  // namespace detail

// The variables of a request, as CGI names them.
class Env {
 public:
  struct Variable {
    std::string_view name;
    std::string_view value;
  };

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Variable;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Variable;

    Iterator() = default;
    explicit Iterator(const forklift_variable* at) : at_(at) {}
    Variable operator*() const { return {{at_->name, at_->name_size}, {at_->value, at_->value_size}}; }
    Iterator& operator++() { return ++at_, *this; }
    Iterator operator++(int) { return Iterator(at_++); }
    friend bool operator==(Iterator a, Iterator b) { return a.at_ == b.at_; }
    friend bool operator!=(Iterator a, Iterator b) { return a.at_ != b.at_; }

   private:
    const forklift_variable* at_ = nullptr;
  };

  explicit Env(const forklift_env* raw) : raw_(raw) {}
  Env(const Env&) = delete;
  Env& operator=(const Env&) = delete;

  // The value of `name`; empty if there is no such variable.
  std::string_view operator[](std::string_view name) const { return get(name).value_or(std::string_view("")); }

  // The value of `name`; nothing if there is no such variable, which is not the same as an empty one.
  std::optional<std::string_view> get(std::string_view name) const {
    std::size_t size = 0;
    const char* value = raw_->get(raw_, detail::CText(name).c_str(), &size);
    if (value == nullptr) return std::nullopt;
    return std::string_view(value, size);
  }

  // `for (auto [name, value] : env)`, in the order of arrival.
  Iterator begin() const { return Iterator(raw_->variables); }
  Iterator end() const { return Iterator(raw_->variables + raw_->count); }
  std::size_t size() const { return raw_->count; }

  const forklift_env* raw() const { return raw_; }

 private:
  const forklift_env* raw_;
};

// The body of a request.
class Body {
 public:
  explicit Body(forklift_body* raw) : raw_(raw) {}
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;

  // Content-Length, in bytes; 0 without a body.
  std::uint64_t length() const { return raw_->length; }

  // Reads between 1 and `size` bytes, waiting for the first; 0 at the end of the body. Error if the body breaks off.
  std::size_t read(void* buffer, std::size_t size) {
    return static_cast<std::size_t>(detail::checked(raw_->read(raw_, buffer, size), "reading the body"));
  }
#if __cplusplus >= 202002L
  std::size_t read(std::span<char> buffer) {
    return read(buffer.data(), buffer.size());
  }
  std::size_t read(std::span<std::byte> buffer) {
    return read(buffer.data(), buffer.size());
  }
#endif

  // What is left of the body, in memory. std::length_error if the whole has more than `limit` bytes: compare length()
  // first where you would rather answer 413.
  std::string read_all(std::uint64_t limit) {
    if (length() > limit) {
      throw std::length_error("the body has " + std::to_string(length()) + " bytes; the plugin takes at most " +
                              std::to_string(limit));
    }
    std::string all(static_cast<std::size_t>(length()), '\0');
    std::size_t filled = 0;
    while (filled < all.size()) {
      const std::size_t count = read(&all[filled], all.size() - filled);
      if (count == 0) break;
      filled += count;
    }
    all.resize(filled);
    return all;
  }

  // As the C function: a count, 0 at the end, or FORKLIFT_E...; FORKLIFT_EAGAIN where read() would wait.
  std::int64_t try_read(void* buffer, std::size_t size) noexcept {
    return raw_->try_read(raw_, buffer, size);
  }

  forklift_body* raw() const {
    return raw_;
  }

 private:
  forklift_body* raw_;
};

// A header of a response. Need only live during Out::begin().
struct Header {
  std::string_view name;
  std::string_view value;
};

// The response: begin() and then write(), or write() alone with a CGI header block in front.
class Out {
 public:
  explicit Out(forklift_out* raw) : raw_(raw) {}
  Out(const Out&) = delete;
  Out& operator=(const Out&) = delete;

  void begin(int status, std::initializer_list<Header> headers) { begin(status, headers.begin(), headers.size()); }
  void begin(int status, const std::vector<Header>& headers) { begin(status, headers.data(), headers.size()); }
  void begin(int status, const Header* headers, std::size_t count) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) size += headers[i].name.size() + headers[i].value.size() + 2;
    std::string text;
    text.reserve(size);  // so that it doesn't move while pointers into it are collected
    const auto terminated = [&text](std::string_view part) {
      if (part.find('\0') != std::string_view::npos) throw Error(FORKLIFT_EINVAL, "a response header with a NUL in it");
      const std::size_t start = text.size();
      text.append(part).push_back('\0');
      return text.data() + start;
    };
    std::vector<forklift_header> raw(count);
    for (std::size_t i = 0; i < count; ++i) raw[i] = {terminated(headers[i].name), terminated(headers[i].value)};
    detail::checked(raw_->begin(raw_, status, raw.data(), count), "beginning the response");
  }

  // Writes all of it, waiting for the client where necessary.
  void write(std::string_view text) { write(text.data(), text.size()); }
  void write(const void* data, std::size_t size) {
    detail::checked(raw_->write(raw_, data, size), "writing the response");
  }

  // As the C function: how many bytes were taken, or FORKLIFT_E...; FORKLIFT_EAGAIN where write() would wait.
  std::int64_t try_write(std::string_view text) noexcept { return raw_->try_write(raw_, text.data(), text.size()); }

  // Sends what is buffered. From then on an error can only be a reset.
  void flush() { detail::checked(raw_->flush(raw_), "flushing the response"); }

  // Writes `length` bytes of the file `fd`, from `offset` on.
  void send_file(int fd, std::uint64_t offset, std::uint64_t length) {
    detail::checked(raw_->send_file(raw_, fd, offset, length), "sending a file");
  }

  // Waits for FORKLIFT_WAIT_BODY and FORKLIFT_WAIT_OUT as asked, for the client to be gone, for descriptors of the
  // plugin's own, and at most for `timeout` (negative: no limit). Returns the FORKLIFT_WAIT_ bits that are ready.
  static constexpr std::chrono::milliseconds kNoLimit{-1};
  unsigned wait(unsigned interest, std::chrono::milliseconds timeout = kNoLimit) {
    return wait(interest, nullptr, 0, timeout);
  }
  unsigned wait(unsigned interest, forklift_poll* polls, std::size_t count,
                std::chrono::milliseconds timeout = kNoLimit) {
    using Limits = std::numeric_limits<int>;
    const auto ms = std::min<std::int64_t>(timeout.count() < 0 ? -1 : timeout.count(), Limits::max());
    return static_cast<unsigned>(
        detail::checked(raw_->wait(raw_, interest, polls, count, static_cast<int>(ms)), "waiting for the client"));
  }

  forklift_out* raw() const { return raw_; }

 private:
  forklift_out* raw_;
};

enum class Level {
  kDebug = FORKLIFT_LOG_DEBUG,
  kInfo = FORKLIFT_LOG_INFO,
  kWarning = FORKLIFT_LOG_WARNING,
  kError = FORKLIFT_LOG_ERROR
};

// The worker that the plugin runs in. Lives longer than the plugin, which may keep the reference.
class Host {
 public:
  explicit Host(const forklift_host* raw) : raw_(raw), settings_(raw->settings) {}
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  std::string_view app() const { return raw_->app; }
  std::uint64_t generation() const { return raw_->generation; }
  const Settings& settings() const { return settings_; }

  // One line in the server's log. From any thread.
  void log(Level level, std::string_view message) const {
    raw_->log(raw_, static_cast<int>(level), detail::CText(message).c_str());
  }

  // The table of the service `id`, or nullptr.
  const void* service(std::string_view id) const { return raw_->service(raw_, detail::CText(id).c_str()); }

  const forklift_host* raw() const { return raw_; }

 private:
  const forklift_host* raw_;
  Settings settings_;
};

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

namespace detail {

// Runs `action` and returns its result; an exception is given to `report` and becomes a non-zero result. (A forced
// unwind has no object, only a type to catch it by; UndefinedBehaviorSanitizer would call that a null reference.)
template <class Action, class Report>
__attribute__((no_sanitize("null"))) int guarded(const Action& action, const Report& report) {
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
  static_assert(std::is_convertible_v<Class*, Plugin*>, "a plugin's class derives publicly from forklift::Plugin");
  static_assert(
      !std::is_abstract_v<Class>,
      "a plugin's class defines void produce(const forklift::Env&, forklift::Body&, forklift::Out&) override");
  static_assert(std::is_constructible_v<Class, const Host&> || std::is_default_constructible_v<Class>,
                "a plugin's class has a public constructor that takes a const forklift::Host&, or nothing");

 public:
  static constexpr forklift_plugin describe(const char* name, const char* plugin_version) {
    return {FORKLIFT_VERSION_OF(forklift_plugin), name, plugin_version, create, produce, destroy};
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
          static_cast<Instance*>(instance)->plugin.produce(env, body, out);
          return static_cast<int>(FORKLIFT_OK);
        },
        [=](const char* reason) { raw_out->fail(raw_out, reason); });
  }

  static void destroy(void* instance) { delete static_cast<Instance*>(instance); }
};

}  // namespace detail
}  // namespace api
}  // namespace forklift

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
