// forklift/web/cookies.hpp - cookies, RFC 6265; part of forklift/web.hpp
//
//     const std::optional<std::string> id = forklift::web::cookie(env, "id");
//     const std::string cookie = forklift::web::SetCookie("id", fresh).secure().max_age(24h).text();
//     out.begin(200, {{"Content-Type", "text/html"}, {"Set-Cookie", cookie}});
#ifndef FORKLIFT_WEB_COOKIES_HPP
#define FORKLIFT_WEB_COOKIES_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <forklift/request.hpp>
#include <forklift/web/detail/text.hpp>
#include <forklift/web/query.hpp>
#include <forklift/web/refusal.hpp>
#include <forklift/web/url.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace forklift {
inline namespace api {
namespace web {

// The cookies of a header (RFC 6265, 5.4), `a=1; b=2`. Values are as they were set, nothing is decoded, quotes
// included. A name that comes twice was set for two paths or domains; the first is the closer one. Pieces without a
// name or `=` are left out: they may be another site's doing, and a user whom they cost every page could not help it.
// At most `most` are taken.
inline Fields parse_cookies(std::string_view header, std::size_t most = 1000) {
  Fields cookies;
  while (!header.empty() && cookies.size() < most) {
    std::string_view piece = detail::take_until(header, ';');
    const bool has_value = piece.find('=') != piece.npos;
    const std::string_view name = detail::trimmed(detail::take_until(piece, '='));
    if (has_value && !name.empty()) cookies.add(std::string(name), std::string(detail::trimmed(piece)));
  }
  return cookies;
}

// The request's cookies.
inline Fields cookies(const Env& env) {
  return parse_cookies(env["HTTP_COOKIE"]);
}

// The cookie `name`, with each %XX replaced by its byte. Nothing where there is none, nor where it is not what
// encode_url() makes: that may be another site's doing, too, and decode_url() would refuse every request with it.
inline std::optional<std::string> cookie(const Env& env, std::string_view name) {
  const Fields all = cookies(env);
  const auto value = all.get(name);
  if (!value) return std::nullopt;
  try {
    return decode_url(*value);
  } catch (const Refusal&) {
    return std::nullopt;
  }
}

enum class SameSite {
  kStrict,  // sent with requests that come from pages of the same site
  kLax,     // and when a link leads here
  kNone     // always; needs secure()
};

// The value of a Set-Cookie header. As it is made, a cookie is for all paths of this host, not for scripts,
// SameSite=Lax, and gone when the browser is closed. It is not `Secure`, as the plugin cannot know whether the front
// server speaks TLS: say so wherever it does.
//
// Names and values that the header cannot hold are std::invalid_argument (RFC 6265, 4.1.1): encode_url() makes any text
// fit.
class SetCookie {
 public:
  SetCookie(std::string_view name, std::string_view value) : name_(name), value_(value) {
    if (!detail::is_token(name)) refuse("name");
    const auto fits = [](char c) { return c > 0x20 && c < 0x7f && !detail::is_one_of(c, "\",;\\"); };
    if (!std::all_of(value.begin(), value.end(), fits)) refuse("value");
  }

  // What makes the browser forget the cookie; path and domain have to be those that it was set with.
  static SetCookie removed(std::string_view name) { return SetCookie(name, "").max_age(std::chrono::seconds(0)); }

  SetCookie& path(std::string_view path) {
    if (path.empty() || path.front() != '/' || !fits_attribute(path)) refuse("path");
    return path_ = path, *this;
  }

  // The host and all below it; without a domain it is for the host alone that has set it.
  SetCookie& domain(std::string_view domain) {
    const auto fits = [](char c) { return detail::is_letter(c) || detail::is_digit(c) || c == '-' || c == '.'; };
    if (domain.empty() || !std::all_of(domain.begin(), domain.end(), fits)) refuse("domain");
    return domain_ = domain, *this;
  }

  // How long the browser keeps it; not at all with 0. (Expires is not written: every browser of this century knows
  // Max-Age, which needs no clock that both sides agree on.)
  SetCookie& max_age(std::chrono::seconds age) {
    return max_age_ = std::to_string(std::max<std::chrono::seconds::rep>(age.count(), 0)), *this;
  }

  SetCookie& secure(bool on = true) { return secure_ = on, *this; }
  SetCookie& http_only(bool on) { return http_only_ = on, *this; }
  SetCookie& same_site(SameSite site) { return same_site_ = site, *this; }

  // std::invalid_argument for what browsers throw away without a word: SameSite=None without Secure, a name with the
  // prefix __Secure- or __Host- and not what it promises, name and value of more than 4096 bytes.
  std::string text() const {
    if (same_site_ == SameSite::kNone && !secure_) refuse("SameSite=None without Secure");
    if (has_prefix("__Secure-") && !secure_) refuse("__Secure- without Secure");
    if (has_prefix("__Host-") && !(secure_ && path_ == "/" && domain_.empty())) {
      refuse("__Host- without Secure, with a path or with a domain");
    }
    if (name_.size() + value_.size() > kMostBytes) refuse("size");
    std::string text = name_ + "=" + value_ + "; Path=" + path_;
    if (!domain_.empty()) text += "; Domain=" + domain_;
    if (!max_age_.empty()) text += "; Max-Age=" + max_age_;
    if (secure_) text += "; Secure";
    if (http_only_) text += "; HttpOnly";
    return text + (same_site_ == SameSite::kStrict ? "; SameSite=Strict"
                   : same_site_ == SameSite::kLax  ? "; SameSite=Lax"
                                                   : "; SameSite=None");
  }

 private:
  static constexpr std::size_t kMostBytes = 4096;

  static bool fits_attribute(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return detail::is_control(c) || c == ';'; });
  }

  bool has_prefix(std::string_view prefix) const {
    return detail::same_without_case(std::string_view(name_).substr(0, prefix.size()), prefix);
  }

  [[noreturn]] static void refuse(const char* what) {
    throw std::invalid_argument(std::string("a cookie that browsers don't take: ") + what);
  }

  std::string name_;
  std::string value_;
  std::string path_ = "/";
  std::string domain_;
  std::string max_age_;  // empty: until the browser is closed
  bool secure_ = false;
  bool http_only_ = true;
  SameSite same_site_ = SameSite::kLax;
};

}  // namespace web
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_WEB_COOKIES_HPP
