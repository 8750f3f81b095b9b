// The ways by which a client's request reaches an app: directly or through nginx, and from there over TCP or a Unix
// socket.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "harness/connection.h"
#include "harness/faults.h"
#include "harness/front.h"
#include "harness/server.h"

namespace harness {

enum class Road { kTcp, kUnix, kNginxTcp, kNginxUnix };

std::ostream& operator<<(std::ostream& out, Road road);

bool is_behind_nginx(Road road);

// A server whose app is the fixture stops_where_told, and what stands in front of it.
class Site {
 public:
  // `more`: further keys of the app.
  Site(Road road, std::string more);

  Road road() const { return road_; }
  const Server& server() const { return server_; }
  Server& server() { return server_; }
  Faults& faults() { return faults_; }

  // A request that is on its way.
  struct Asked {
    Connection connection;
    ResponseReader reader;

    Response response(milliseconds patience = kPatience) { return connection.receive(std::move(reader), patience); }
  };
  using Headers = std::vector<std::pair<std::string, std::string>>;  // `X-Stop`: what the plugin knows as HTTP_X_STOP

  // Sends a POST request. The server knows it as `uri_of(path)`.
  Asked ask(const std::string& path, const Headers& headers, const Body& body) const;
  std::string uri_of(const std::string& path) const;

 private:
  Road road_;
  Server server_;
  Faults faults_;
  Front nginx_{FrontKind::kNginx};
};

// Whether it is all of the fixture's page; and the pid of the worker that wrote it, 0 if it is not.
pid_t writer_of_whole_page(const Response& response);

}  // namespace harness
