// The plugins that we ship, and what is expected of them by whichever road they are asked.
#pragma once

#include <functional>
#include <string>

#include "harness/response.h"
#include "harness/server.h"

namespace harness {

// The plugin `name` as an app, on TCP (listener 0) and on a Unix socket (listener 1).
App shipped_app(const std::string& name, const std::string& more = {});

// Sixteen clients at once, each of which sends its own texts by `echo`, and has to get them back. Failures go to
// GoogleTest.
void expect_own_answers(const std::function<Response(const std::string& text)>& echo);

}  // namespace harness
