// The requests that nobody has sent through a front server: those of `forklift call`, and the probe of a reload.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace forklift::protocol {

using Variables = std::vector<std::pair<std::string, std::string>>;

// The variables that nginx sends with conf/nginx.conf, in an order that SCGI allows, of a request without a body and
// without headers but Host: what follows from method and URI (DOCUMENT_URI decoded, without repeated slashes and dots),
// and a client, a server and a host of this machine. `uri` is as a client writes it: `/shop?x=1`. The error says what
// no front server would hand on.
Result<Variables> front_variables(std::string_view method, std::string_view uri);

// A whole SCGI head (protocol/request.h).
std::string scgi_head(const Variables& variables);

}  // namespace forklift::protocol
