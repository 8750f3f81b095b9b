// A request as far as it decides which program answers it.
#pragma once

#include <forklift/request.hpp>
#include <string>
#include <string_view>

namespace cgi {

struct Request {
  std::string method;
  std::string uri;    // as the client has written it, with the query
  std::string query;  // undecoded, without the question mark
  std::string base;   // SCRIPT_NAME as the front server says it: what stands in front of `path`; may be empty
  std::string path;   // decoded: what mounts are looked up by; empty, or beginning with a slash
  std::string from{};  // which variable said `path`, for the log
};

// `path` is PATH_INFO where there is one: nginx sends the whole there and an empty SCRIPT_NAME, Apache what is behind
// the SCRIPT_NAME of its own. Otherwise it is the path of REQUEST_URI, decoded once, behind SCRIPT_NAME, or all of it
// where that leaves nothing (Apache's SCRIPT_NAME is the whole path). Nothing is decoded that the front server has
// decoded already. Refusal (400, 404) for paths that are none.
Request read_request(const forklift::Env& env);

// The request that a local redirection of a program asks for instead (RFC 3875, 6.2.2): a GET of `location`, which is
// a path with perhaps a query. Refusal where that is no path, or leads out of what the front server has given us.
Request redirect(const Request& request, std::string_view location);

}  // namespace cgi
