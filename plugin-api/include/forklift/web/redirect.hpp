// forklift/web/redirect.hpp - "go there", RFC 9110 section 15.4; part of forklift/web.hpp
//
// OPEN REDIRECTS. A page that redirects to wherever its query says lends its good name to whoever writes the link. Give
// redirect() targets that are your own, and take one from a request through local_target() only:
//
//     forklift::web::redirect(out, forklift::web::local_target(query["next"], "/account"));
#ifndef FORKLIFT_WEB_REDIRECT_HPP
#define FORKLIFT_WEB_REDIRECT_HPP

#include <algorithm>
#include <forklift/response.hpp>
#include <forklift/web/detail/text.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forklift {
inline namespace api {
namespace web {

enum class Moved {
  kPermanently = 301,  // for good; a POST may become a GET
  kFound = 302,        // for now; a POST may become a GET
  kSeeOther = 303,     // the answer to a form: the target is fetched by GET, and reloading it sends nothing again
  kTemporarily = 307,  // for now; the same method and body again
  kForGood = 308       // for good; the same method and body again
};

namespace detail {

// What may stand in a Location as it is: visible ASCII, without what browsers rewrite or other readers cut at. CR and
// LF, which would begin a header of the client's own, are among what may not.
inline bool is_location(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > 0x20 && c < 0x7f && !is_one_of(c, "\"<>\\^`{|}"); });
}

inline bool is_local(std::string_view text) {
  // "//host" is another host, and "/\host" is to browsers the same.
  return !text.empty() && text.front() == '/' && text.substr(0, 2) != "//" && is_location(text);
}

inline bool is_absolute(std::string_view text) {
  for (const std::string_view scheme : {std::string_view("https://"), std::string_view("http://")}) {
    if (text.size() > scheme.size() && same_without_case(text.substr(0, scheme.size()), scheme)) {
      return !is_one_of(text[scheme.size()], "/?#") && is_location(text);
    }
  }
  return false;
}

}  // namespace detail

// `text` if it is a path on this host ("/shop?x=1"); else `fallback`. For targets that come from a request.
inline std::string local_target(std::string_view text, std::string_view fallback = "/") {
  return std::string(detail::is_local(text) ? text : fallback);
}

// Answers with a redirect and no more. `target` is a path on this host, "/shop?x=1", or an absolute http or https URL,
// percent-encoded where it has to be; std::invalid_argument for everything else, also CR and LF. `headers`: others of
// the answer, such as Set-Cookie.
inline void redirect(Out& out, std::string_view target, Moved how = Moved::kSeeOther,
                     std::vector<Header> headers = {}) {
  if (!detail::is_local(target) && !detail::is_absolute(target)) {
    throw std::invalid_argument("a redirect's target is neither a path on this host nor an http or https URL");
  }
  headers.push_back({"Location", target});
  headers.push_back({"Content-Length", "0"});
  out.begin(static_cast<int>(how), headers);
}

}  // namespace web
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_WEB_REDIRECT_HPP
