// A request made by hand, and what a plugin answered: the C tables alone, so that the tests of the headers depend on
// nothing else.
#pragma once

#include <forklift/plugin.hpp>
#include <forklift/web/refusal.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace web_test {

// The variables of a request.
class Variables : public forklift_env {
 public:
  Variables(std::initializer_list<std::pair<std::string, std::string>> pairs)
      : forklift_env{FORKLIFT_VERSION_OF(forklift_env), 0, nullptr, do_get}, pairs_(pairs) {}
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

 private:
  static const char* do_get(const forklift_env* base, const char* name, std::size_t* size) {
    for (const auto& [each, value] : static_cast<const Variables*>(base)->pairs_) {
      if (each != name) continue;
      if (size != nullptr) *size = value.size();
      return value.c_str();
    }
    return nullptr;
  }

  std::vector<std::pair<std::string, std::string>> pairs_;
};

// A body that arrives `piece` bytes at a time, the first time `first`; and breaks off behind `arriving` bytes.
class Arriving : public forklift_body {
 public:
  explicit Arriving(std::string_view bytes)
      : forklift_body{FORKLIFT_VERSION_OF(forklift_body), bytes.size(), do_read, do_read},
        arriving(bytes.size()),
        bytes_(bytes) {}

  std::size_t first = ~std::size_t{0};
  std::size_t piece = ~std::size_t{0};
  std::size_t arriving;
  std::size_t taken = 0;

 private:
  static std::int64_t do_read(forklift_body* base, void* buffer, std::size_t size) {
    Arriving& self = static_cast<Arriving&>(*base);
    if (self.taken == self.arriving && self.arriving < self.length) return FORKLIFT_ESHORT;
    const std::size_t most = self.taken < self.first ? self.first - self.taken : self.piece;
    const std::size_t count = std::min({size, most, self.arriving - self.taken});
    std::memcpy(buffer, self.bytes_.data() + self.taken, count);
    self.taken += count;
    return static_cast<std::int64_t>(count);
  }

  std::string_view bytes_;
};

// A response, with the rule that a head comes once.
class Answer : public forklift_out {
 public:
  Answer() : forklift_out{} {
    version = FORKLIFT_VERSION_OF(forklift_out);
    begin = do_begin;
    write = do_write;
    fail = do_fail;
  }

  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string failure;

  std::string header(std::string_view name) const {
    std::string all;
    for (const auto& [each, value] : headers) {
      if (each == name) all += (all.empty() ? "" : "|") + value;
    }
    return all;
  }

 private:
  static int do_begin(forklift_out* base, int status, const forklift_header* headers, std::size_t count) {
    Answer& self = static_cast<Answer&>(*base);
    if (self.status != 0) return FORKLIFT_EINVAL;
    self.status = status;
    for (std::size_t i = 0; i < count; ++i) self.headers.emplace_back(headers[i].name, headers[i].value);
    return FORKLIFT_OK;
  }
  static int do_write(forklift_out* base, const void* data, std::size_t size) {
    static_cast<Answer&>(*base).body.append(static_cast<const char*>(data), size);
    return FORKLIFT_OK;
  }
  static void do_fail(forklift_out* base, const char* message) { static_cast<Answer&>(*base).failure = message; }
};

// The Refusal that `call` throws, `400 reason`; `fine` if it throws none.
template <class Call>
std::string refusal_of(const Call& call) {
  try {
    call();
    return "fine";
  } catch (const forklift::web::Refusal& refusal) {
    return std::to_string(refusal.status()) + " " + refusal.what();
  }
}

}  // namespace web_test
