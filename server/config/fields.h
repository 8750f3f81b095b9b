// Types of keys whose values have a field of their own. A field is named by the way to it: `&App::workers,
// &Workers::min` starts at the app that is read or shown, `&Config::...` at the configuration, `&Listen::...` at the
// listener.
#pragma once

#include <fmt/format.h>

#include <limits>
#include <string>
#include <type_traits>

#include "config/keys.h"
#include "config/show.h"
#include "config/units.h"
#include "config/value.h"

namespace forklift::config {

template <typename Owner, typename Member>
Owner owner_of(Member Owner::*);

template <auto first, auto... rest>
auto& field(Value& value) {
  using Owner = decltype(owner_of(first));
  if constexpr (std::is_same_v<Owner, Config>) {
    return ((value.config().*first).*....*rest);
  } else if constexpr (std::is_same_v<Owner, App>) {
    return ((value.app().*first).*....*rest);
  } else {
    return ((value.listen().common.*first).*....*rest);
  }
}

template <auto first, auto... rest>
const auto& field(const Subject& subject) {
  using Owner = decltype(owner_of(first));
  if constexpr (std::is_same_v<Owner, Config>) {
    return ((subject.config.*first).*....*rest);
  } else if constexpr (std::is_same_v<Owner, App>) {
    return ((subject.app->*first).*....*rest);
  } else {
    return ((subject.listen->*first).*....*rest);
  }
}

template <auto... way>
constexpr Type count(std::uint64_t min, std::uint64_t max) {
  return {.kind = Type::Kind::kCount,
          .min = min,
          .max = max,
          .read = [](Value& value) { value.count(field<way...>(value)); },
          .show = [](const Subject& subject, const Key&) { return scalar(fmt::format("{}", field<way...>(subject))); }};
}

template <auto... way>
constexpr Type size(std::uint64_t min, std::uint64_t max) {
  return {.kind = Type::Kind::kSize,
          .min = min,
          .max = max,
          .read = [](Value& value) { value.size(field<way...>(value)); },
          .show = [](const Subject& subject, const Key&) { return scalar(format_size(field<way...>(subject))); }};
}

template <auto... way>
constexpr Type percent(std::uint64_t min, std::uint64_t max) {
  return {
      .kind = Type::Kind::kPercent,
      .min = min,
      .max = max,
      .read = [](Value& value) { value.percent(field<way...>(value)); },
      .show = [](const Subject& subject, const Key&) { return scalar(fmt::format("{}%", field<way...>(subject))); }};
}

// 0 is off.
template <auto... way>
constexpr Type duration(std::uint64_t min = 0) {
  return {.kind = Type::Kind::kDuration,
          .min = min,
          .read = [](Value& value) { value.duration(field<way...>(value)); },
          .show = [](const Subject& subject, const Key&) { return scalar(format_duration(field<way...>(subject))); }};
}

// One that cannot be off.
template <auto... way>
constexpr Type some_duration() {
  return duration<way...>(1);
}

template <auto... way>
constexpr Type path() {
  return {.kind = Type::Kind::kPath,
          .read = [](Value& value) { value.path(field<way...>(value)); },
          .show = [](const Subject& subject, const Key&) { return scalar_or_nothing(field<way...>(subject)); }};
}

// (uid_t)-1 is no user: setresuid(2) takes it for "leave as it is".
inline constexpr std::uint64_t kAccountMax = std::numeric_limits<std::uint32_t>::max() - 1;

template <auto... way>
constexpr Type account() {
  return {.kind = Type::Kind::kAccount,
          .max = kAccountMax,
          .read = [](Value& value) { value.account(field<way...>(value)); },
          .show = [](const Subject& subject, const Key&) { return scalar_or_nothing(field<way...>(subject)); }};
}

template <auto... way>
constexpr Type octal(std::uint64_t max) {
  return {
      .kind = Type::Kind::kOctal,
      .max = max,
      .read = [](Value& value) { value.octal(field<way...>(value)); },
      .show = [](const Subject& subject, const Key&) { return scalar(fmt::format("{:03o}", field<way...>(subject))); }};
}

// `words` stand in the order of the enumeration, or are {"false", "true"}.
template <auto... way>
constexpr Type word(std::array<std::string_view, 4> words, std::array<std::string_view, 2> later = {}) {
  return {.kind = Type::Kind::kWord,
          .words = words,
          .later = later,
          .read = [](Value& value) { value.word(field<way...>(value)); },
          .show =
              [](const Subject& subject, const Key& key) {
                return scalar(std::string(key.type.words.at(static_cast<std::size_t>(field<way...>(subject)))));
              }};
}

}  // namespace forklift::config
