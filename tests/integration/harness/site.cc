#include "harness/site.h"

#include <fmt/format.h>

#include <cstdio>
#include <ostream>
#include <stdexcept>

#include "harness/http_request.h"
#include "harness/scgi_request.h"

namespace harness {
namespace {

template <typename Request>
Site::Asked send(const Endpoint& endpoint, const Request& request) {
  std::string bytes = request.head();
  const std::size_t head_bytes = bytes.size();
  bytes.resize(head_bytes + request.body().size);
  if (request.body().size > 0) request.body().fill(0, bytes.data() + head_bytes, request.body().size);
  Site::Asked asked{Connection::to(endpoint), request.reader()};
  if (!asked.connection.send(bytes)) throw std::runtime_error("the request was not taken");
  return asked;
}

std::string to_variable(std::string_view header) {
  std::string name = "HTTP_";
  for (const char c : header) name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, Road road) {
  switch (road) {
    case Road::kTcp: return out << "Tcp";
    case Road::kUnix: return out << "Unix";
    case Road::kNginxTcp: return out << "NginxTcp";
    case Road::kNginxUnix: return out << "NginxUnix";
  }
  return out << "?";
}

bool is_behind_nginx(Road road) {
  return road == Road::kNginxTcp || road == Road::kNginxUnix;
}

Site::Site(Road road, std::string more)
    : road_(road),
      server_({App{.name = "app",
                   .plugin = fixture_file("stops_where_told"),
                   .listen = {road == Road::kTcp || road == Road::kNginxTcp ? "127.0.0.1:0" : "unix:app.sock"},
                   .more = std::move(more)}}),
      faults_(server_) {
  server_.preload("after_call");
  server_.start();
  if (is_behind_nginx(road)) nginx_.start({{"app", server_.listener("app")}});
}

std::string Site::uri_of(const std::string& path) const {
  return is_behind_nginx(road_) ? "/app" + path : path;
}

Site::Asked Site::ask(const std::string& path, const Headers& headers, const Body& body) const {
  if (is_behind_nginx(road_)) {
    HttpRequest request = HttpRequest::post(uri_of(path), body);
    for (const auto& [name, value] : headers) request.add(name, value);
    return send(nginx_.endpoint(), request);
  }
  ScgiRequest request = ScgiRequest::post(uri_of(path), body);
  for (const auto& [name, value] : headers) request.add(to_variable(name), value);
  return send(server_.listener("app"), request);
}

pid_t writer_of_whole_page(const Response& response) {
  int pid = 0;
  const bool whole = response.complete(200) && response.body.size() == 2000 && response.body.ends_with(".end\n") &&
                     std::sscanf(response.body.c_str(), "begin\npid %d\n", &pid) == 1;
  return whole ? pid : 0;
}

}  // namespace harness
