// The environment of a program: nothing but what is put together here.
#pragma once

#include <cstdint>
#include <forklift/request.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mounts.h"
#include "request.h"
#include "settings.h"

namespace cgi {

// Whether a variable of a request may stand in a program's environment. Not those that loaders, shells and
// interpreters take orders from, and not HTTP_PROXY, a client's header `Proxy` that libraries take for a setting
// (httpoxy). Names that are none of POSIX's (8.1: letters, digits, underscores) stay outside, too; bash takes functions
// from such.
bool may_enter_environment(std::string_view name);

// `NAME=VALUE` of every variable, each name once. Later ones replace earlier ones:
//
//   - the request's variables, with those that the front server has added (GIT_PROJECT_ROOT)
//   - those that CGI/1.1 (RFC 3875, 4.1) has, as they are for this program, and SCRIPT_FILENAME
//   - a PATH with nothing but the system's folders
//   - what settings.pass and settings.environment say
//
// `body_bytes`: of the body that the program will read. Nothing where the request's body was another program's, behind
// a local redirection: then what the request says of it is left out, too.
std::vector<std::string> build_environment(const forklift::Env& env, const Request& request, const Target& target,
                                           const Settings& settings, std::optional<std::uint64_t> body_bytes);

}  // namespace cgi
