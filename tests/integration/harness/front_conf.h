// How the three front servers are told what they have to do.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "harness/endpoint.h"

namespace harness {

enum class FrontKind { kNginx, kApache, kLighttpd };

std::ostream& operator<<(std::ostream& out, FrontKind kind);

// The name of an app, and the listener where the front reaches it. It gets the requests that conf/ sends to the app of
// that name, or, where conf/ has none, those to `/NAME`. (nginx only: a name that stands here twice has two servers.)
using Upstreams = std::vector<std::pair<std::string, Endpoint>>;

// The path of its file in the repository.
std::string front_conf_file(FrontKind kind);

// That file, or one like it, given as `text`, for other addresses, and otherwise as it is; throws if it doesn't have the lines that are
// to be replaced.
std::string adapt_front_conf(FrontKind kind, const std::string& text, const Endpoint& listen,
                             const Upstreams& upstreams);

// What starts it in the foreground with the file `conf`, so that it writes into `folder` and nowhere else, and its pid
// to `folder`/`front_pid_file()`.
std::vector<std::string> front_command(FrontKind kind, const std::string& folder, const std::string& conf);
std::string front_pid_file(FrontKind kind);

}  // namespace harness
