// The request of `forklift call`, as a front server would send it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace forklift::cli {

using Variables = std::vector<std::pair<std::string, std::string>>;

struct CallRequest {
  std::string method{};                  // empty: GET, or POST where there is a body
  std::string uri{};                     // as a client writes it: `/shop?x=1`
  std::vector<std::string> headers{};    // `Name: value`
  std::vector<std::string> variables{};  // `NAME=VALUE`: over those that follow from the rest, or new ones
  std::optional<std::string> body{};
};

// The variables that nginx sends with conf/nginx.conf, in an order that SCGI allows: what follows from method and URI
// (DOCUMENT_URI decoded, without repeated slashes and dots), HTTP_NAME for each header, and a client, a server and a
// host of this machine. A body without a Content-Type is a form, as with curl. The error says what no front server
// would hand on.
Result<Variables> variables_of(const CallRequest& request);

// A whole SCGI head (protocol/request.h).
std::string scgi_head(const Variables& variables);

}  // namespace forklift::cli
