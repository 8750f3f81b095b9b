#include "request.h"

#include <optional>

#include "refusal.h"
#include "text.h"

namespace cgi {
namespace {

struct Target {
  std::string_view path;
  std::string_view query;
};

// `/path?query`, or `http://host/path?query`, which a client may write, too (RFC 9112, 3.2.2).
Target split(std::string_view uri) {
  uri = uri.substr(0, uri.find('#'));
  // First of all: what stands behind it is never a path.
  const std::size_t mark = uri.find('?');
  Target target{uri.substr(0, mark), mark == uri.npos ? std::string_view() : uri.substr(mark + 1)};
  if (!target.path.starts_with('/')) {
    const std::size_t scheme = target.path.find("://");
    const std::size_t slash = scheme == uri.npos ? uri.npos : target.path.find('/', scheme + 3);
    target.path = slash == uri.npos ? std::string_view("/") : target.path.substr(slash);
  }
  return target;
}

// What stands behind `base` in `path`; nothing if something else stands in front.
std::optional<std::string_view> behind(std::string_view path, std::string_view base) {
  if (!path.starts_with(base)) return std::nullopt;
  path.remove_prefix(base.size());
  if (!path.empty() && path.front() != '/') return std::nullopt;
  return path;
}

// Front servers resolve `..` before they send a path. One that is left is an attack: PATH_TRANSLATED would lead out of
// the document root.
void check(std::string_view path) {
  if (path.find('\0') != path.npos) throw Refusal(404, "the path " + quote(path) + " has a NUL in it");
  if (!path.empty() && path.front() != '/')
    throw Refusal(400, "the path " + quote(path) + " does not begin with a slash");
  const std::string whole = std::string(path) + "/";
  if (whole.find("/../") != whole.npos) throw Refusal(404, "the path " + quote(path) + " has a part \"..\"");
}

std::string decoded(std::string_view path) {
  auto result = decode_path(path);
  if (!result) throw Refusal(400, "the path " + quote(path) + " has a % without two hexadecimal digits");
  return *std::move(result);
}

}  // namespace

Request read_request(const forklift::Env& env) {
  Request request;
  request.method = env["REQUEST_METHOD"];
  request.uri = env["REQUEST_URI"];
  request.query = env["QUERY_STRING"];
  const std::string_view script_name = env["SCRIPT_NAME"];
  request.base = script_name;
  // "/" as a SCRIPT_NAME would double the slash.
  if (request.base.ends_with('/')) request.base.pop_back();

  request.path = env["PATH_INFO"];
  request.from = "PATH_INFO";
  if (request.path.empty()) {
    request.from = "REQUEST_URI";
    const std::string path = decoded(split(request.uri).path);
    // A SCRIPT_NAME that is all of the path is Apache's (mod_proxy_scgi without proxy-scgi-pathinfo), which leaves it
    // to us to find the program in it. One that is no part of the path was made by a rewriting.
    const auto rest = behind(path, request.base);
    const bool says_where = rest && !rest->empty() && script_name != path;
    request.path = says_where ? *rest : path;
    if (!says_where) request.base.clear();
  }
  check(request.path);
  return request;
}

Request redirect(const Request& request, std::string_view location) {
  const Target target = split(location);
  const std::string path = decoded(target.path);
  const auto own = behind(path, request.base);
  if (!own) throw Refusal(404, "it is not below " + quote(request.base));
  check(*own);
  return {.method = "GET",
          .uri = std::string(location.substr(0, location.find('#'))),
          .query = std::string(target.query),
          .base = request.base,
          .path = std::string(*own),
          .from = "Location"};
}

}  // namespace cgi
