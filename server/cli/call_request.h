// The request of `forklift call`, as a front server would send it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "protocol/front.h"

namespace forklift::cli {

using protocol::scgi_head;
using protocol::Variables;

struct CallRequest {
  std::string method{};                  // empty: GET, or POST where there is a body
  std::string uri{};                     // as a client writes it: `/shop?x=1`
  std::vector<std::string> headers{};    // `Name: value`
  std::vector<std::string> variables{};  // `NAME=VALUE`: over those that follow from the rest, or new ones
  std::optional<std::string> body{};
};

// The variables of protocol/front.h, and HTTP_NAME for each header. A body without a Content-Type is a form, as with
// curl. The error says what no front server would hand on.
Result<Variables> variables_of(const CallRequest& request);

}  // namespace forklift::cli
