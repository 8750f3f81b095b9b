// A host made by hand, small enough to read: what a test needs to call a plugin without the server.
#pragma once

#include <dlfcn.h>
#include <forklift/plugin.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fake {

using Pair = std::pair<std::string, std::string>;

// Settings as a list of paths and texts, in the order of the file: {{"title", "Books"}, {"shelves[0].id", "a1"}}.
class Settings : public forklift_settings {
 public:
  using Entries = std::vector<Pair>;

  explicit Settings(Entries entries = {})
      : forklift_settings{FORKLIFT_VERSION_OF(forklift_settings), do_kind, do_get, do_count, do_name},
        entries_(std::move(entries)) {}

 private:
  static const Settings& self(const forklift_settings* base) { return static_cast<const Settings&>(*base); }

  static int do_kind(const forklift_settings* base, const char* path) {
    if (do_get(base, path, nullptr) != nullptr) return FORKLIFT_SETTING_TEXT;
    const auto children = self(base).children(path);
    if (children.empty()) return *path == '\0' ? FORKLIFT_SETTING_MAP : FORKLIFT_SETTING_NONE;
    return children.front().front() == '[' ? FORKLIFT_SETTING_LIST : FORKLIFT_SETTING_MAP;
  }

  static const char* do_get(const forklift_settings* base, const char* path, std::size_t* size) {
    for (const auto& [name, text] : self(base).entries_) {
      if (name != path) continue;
      if (size != nullptr) *size = text.size();
      return text.c_str();
    }
    return nullptr;
  }

  static std::size_t do_count(const forklift_settings* base, const char* path) {
    return self(base).children(path).size();
  }

  static const char* do_name(const forklift_settings* base, const char* path, std::size_t index) {
    std::string name = self(base).children(path).at(index);
    if (name.front() == '"') name = name.substr(1, name.size() - 2);
    names_.push_back(std::make_unique<std::string>(name));
    return names_.back()->c_str();
  }

  // The steps that lead on from `path`: names as they are written in paths, or "[0]".
  std::vector<std::string> children(std::string_view path) const {
    std::vector<std::string> steps;
    for (const auto& entry : entries_) {
      std::string_view rest = entry.first;
      if (rest.substr(0, path.size()) != path || rest.size() == path.size()) continue;
      rest.remove_prefix(path.size());
      if (!path.empty() && rest.front() == '.')
        rest.remove_prefix(1);
      else if (!path.empty() && rest.front() != '[')
        continue;
      const char quote = rest.front() == '"' ? '"' : '\0';
      const std::size_t end = quote ? rest.find(quote, 1) + 1 : std::min(rest.find_first_of(".[", 1), rest.size());
      const std::string step(rest.substr(0, end));
      if (std::find(steps.begin(), steps.end(), step) == steps.end()) steps.push_back(step);
    }
    return steps;
  }

  Entries entries_;
  inline static std::vector<std::unique_ptr<std::string>> names_;  // do_name() returns pointers that have to live
};

class Host : public forklift_host {
 public:
  explicit Host(Settings::Entries entries)
      : forklift_host{FORKLIFT_VERSION_OF(forklift_host), "shop", 7, &tree_, do_log, do_refuse, do_service},
        tree_(std::move(entries)) {}
  Host(std::initializer_list<Pair> entries = {}) : Host(Settings::Entries(entries)) {}
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // What the plugin told: mutable because the plugin has the host as const.
  mutable std::vector<std::pair<int, std::string>> logged;
  mutable std::string refused_setting;
  mutable std::string refused_reason;

 private:
  static const Host& self(const forklift_host* base) { return static_cast<const Host&>(*base); }
  static void do_log(const forklift_host* base, int level, const char* message) {
    self(base).logged.emplace_back(level, message);
  }
  static void do_refuse(const forklift_host* base, const char* setting, const char* reason) {
    self(base).refused_setting = setting == nullptr ? "(none)" : setting;
    self(base).refused_reason = reason;
  }
  static const void* do_service(const forklift_host*, const char*) { return nullptr; }

  Settings tree_;
};

class Env : public forklift_env {
 public:
  Env(std::initializer_list<Pair> pairs = {})
      : forklift_env{FORKLIFT_VERSION_OF(forklift_env), 0, nullptr, do_get}, pairs_(pairs) {
    for (const auto& [name, value] : pairs_) table_.push_back({name.c_str(), name.size(), value.c_str(), value.size()});
    count = table_.size();
    variables = table_.data();
  }
  Env(const Env&) = delete;
  Env& operator=(const Env&) = delete;

 private:
  static const char* do_get(const forklift_env* base, const char* name, std::size_t* size) {
    for (const auto& each : static_cast<const Env*>(base)->table_) {
      if (std::strcmp(each.name, name) != 0) continue;
      if (size != nullptr) *size = each.value_size;
      return each.value;
    }
    return nullptr;
  }

  std::vector<Pair> pairs_;
  std::vector<forklift_variable> table_;
};

// A body of `size` bytes, `pattern` again and again, that arrives at most `piece` bytes at a time and breaks off with
// `error` after `arriving` of them.
class Body : public forklift_body {
 public:
  explicit Body(const std::string& text) : Body(text.size(), text) {}
  Body(std::uint64_t size, std::string pattern)
      : forklift_body{FORKLIFT_VERSION_OF(forklift_body), size, do_read, do_read},
        arriving(size),
        pattern_(std::move(pattern)) {}

  std::uint64_t arriving;
  std::size_t piece = 1 << 20;
  int error = FORKLIFT_ESHORT;
  std::uint64_t taken = 0;

 private:
  static std::int64_t do_read(forklift_body* base, void* buffer, std::size_t size) {
    Body& self = static_cast<Body&>(*base);
    if (self.taken == self.arriving) return self.arriving == self.length ? 0 : self.error;
    const auto count = std::min<std::uint64_t>({size, self.piece, self.arriving - self.taken});
    for (std::uint64_t done = 0; done < count;) {
      const std::string_view next = std::string_view(self.pattern_).substr(self.taken % self.pattern_.size());
      const auto step = std::min<std::uint64_t>(next.size(), count - done);
      std::memcpy(static_cast<char*>(buffer) + done, next.data(), step);
      done += step;
      self.taken += step;
    }
    return static_cast<std::int64_t>(count);
  }

  std::string pattern_;
};

// The response, kept in memory unless `sink` takes the body's bytes.
class Out : public forklift_out {
 public:
  Out()
      : forklift_out{FORKLIFT_VERSION_OF(forklift_out),
                     do_begin,
                     do_write,
                     do_try_write,
                     do_flush,
                     do_send_file,
                     do_fail,
                     do_wait} {}

  int status = 0;  // 0: begin() was not called
  std::vector<std::pair<std::string, std::string>> headers;
  std::string text;  // all that was written
  std::string failure;
  std::string calls;  // flush and wait, in order, with their arguments
  std::function<void(std::string_view)> sink;
  int error = FORKLIFT_OK;  // what every call returns from now on

  std::string header(std::string_view name) const {
    for (const auto& each : headers) {
      if (each.first == name) return each.second;
    }
    return "(none)";
  }

 private:
  static Out& self(forklift_out* base) { return static_cast<Out&>(*base); }
  static int do_begin(forklift_out* base, int status, const forklift_header* headers, std::size_t count) {
    Out& out = self(base);
    if (out.status != 0) return FORKLIFT_EINVAL;
    out.status = status;
    for (std::size_t i = 0; i < count; ++i) out.headers.emplace_back(headers[i].name, headers[i].value);
    return out.error;
  }
  static int do_write(forklift_out* base, const void* data, std::size_t size) {
    Out& out = self(base);
    const std::string_view bytes(static_cast<const char*>(data), size);
    if (out.error != FORKLIFT_OK) return out.error;
    if (out.sink)
      out.sink(bytes);
    else
      out.text.append(bytes);
    return FORKLIFT_OK;
  }
  static std::int64_t do_try_write(forklift_out* base, const void*, std::size_t) {
    return self(base).error != FORKLIFT_OK ? self(base).error : FORKLIFT_EAGAIN;
  }
  static int do_flush(forklift_out* base) { return self(base).calls += "flush;", self(base).error; }
  static int do_send_file(forklift_out* base, int fd, std::uint64_t offset, std::uint64_t length) {
    char buffer[64 * 1024];
    if (self(base).error != FORKLIFT_OK) return self(base).error;
    while (length > 0) {
      const ssize_t count =
          pread(fd, buffer, std::min<std::uint64_t>(length, sizeof buffer), static_cast<off_t>(offset));
      if (count <= 0) return FORKLIFT_EIO;
      if (const int result = do_write(base, buffer, static_cast<std::size_t>(count)); result != FORKLIFT_OK)
        return result;
      offset += static_cast<std::uint64_t>(count);
      length -= static_cast<std::uint64_t>(count);
    }
    return FORKLIFT_OK;
  }
  static void do_fail(forklift_out* base, const char* message) { self(base).failure = message; }
  static int do_wait(forklift_out* base, unsigned interest, forklift_poll*, std::size_t count, int timeout_ms) {
    Out& out = self(base);
    out.calls +=
        "wait " + std::to_string(interest) + " " + std::to_string(count) + " " + std::to_string(timeout_ms) + ";";
    return out.error != FORKLIFT_OK ? out.error : FORKLIFT_WAIT_OUT;
  }
};

// A plugin, opened as a worker does.
class Plugin {
 public:
  explicit Plugin(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
    const auto entry = reinterpret_cast<forklift_plugin_entry>(dlsym(handle_, FORKLIFT_ENTRY_SYMBOL));
    if (entry == nullptr) throw std::runtime_error(dlerror());
    descriptor_ = entry();
  }
  ~Plugin() { destroy(); }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  const forklift_plugin* operator->() const { return descriptor_; }

  int create(const Host& host) {
    const int result = descriptor_->create == nullptr ? FORKLIFT_OK : descriptor_->create(&host, &instance_);
    created_ = result == FORKLIFT_OK;
    return result;
  }
  int produce(const Env& env, Body& body, Out& out) { return descriptor_->produce(instance_, &env, &body, &out); }
  int handle_connection(int fd, std::string_view head) {
    return descriptor_->handle_connection(instance_, fd, head.data(), head.size());
  }
  void destroy() {
    if (std::exchange(created_, false) && descriptor_->destroy != nullptr) descriptor_->destroy(instance_);
  }

 private:
  void* handle_;  // never closed: see the design of workers
  const forklift_plugin* descriptor_ = nullptr;
  void* instance_ = nullptr;
  bool created_ = false;
};

}  // namespace fake
