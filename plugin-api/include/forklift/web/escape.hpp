// forklift/web/escape.hpp - text into HTML; part of forklift/web.hpp
#ifndef FORKLIFT_WEB_ESCAPE_HPP
#define FORKLIFT_WEB_ESCAPE_HPP

#include <string>
#include <string_view>

namespace forklift {
inline namespace api {
namespace web {

// `text` for the text of an HTML page and for attribute values in quotes of either kind. Not for <script>, <style>,
// event attributes (onclick) and unquoted attributes, where other bytes have a meaning, too; and an attribute that
// holds a URL (href, src) is harmless only if the URL is: `javascript:...` has nothing in it to be escaped (see
// local_target() in redirect.hpp).
inline std::string html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': escaped.append("&amp;"); break;
      case '<': escaped.append("&lt;"); break;
      case '>': escaped.append("&gt;"); break;
      case '"': escaped.append("&quot;"); break;
      case '\'': escaped.append("&#39;"); break;
      default: escaped.push_back(c);
    }
  }
  return escaped;
}

}  // namespace web
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_WEB_ESCAPE_HPP
