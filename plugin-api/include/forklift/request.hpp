// forklift/request.hpp - a request: its variables and its body; part of forklift/plugin.hpp
#ifndef FORKLIFT_REQUEST_HPP
#define FORKLIFT_REQUEST_HPP

#include <forklift/plugin.h>

#include <cstddef>
#include <cstdint>
#include <forklift/detail/c_text.hpp>
#include <forklift/error.hpp>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#if __cplusplus >= 202002L
#include <span>
#endif

namespace forklift {
inline namespace api {

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

  // What is left of the body, in memory. std::length_error, and so a 500, if the whole has more than `limit` bytes:
  // compare length() first, and answer 413 (or web::read_body(), which does).
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

}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_REQUEST_HPP
