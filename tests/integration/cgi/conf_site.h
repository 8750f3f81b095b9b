// The site that conf/cgi.yaml, conf/cgi-nginx.conf and conf/cgi-apache.conf describe, as those files say, but for
// addresses and for /srv, which is a folder of the test's.
#pragma once

#include <optional>
#include <string>

#include "harness/behind_front.h"
#include "harness/files.h"
#include "harness/front.h"
#include "harness/server.h"

namespace harness {

class ConfSite {
 public:
  // Nothing runs yet; srv() is there, with the folders git and cgi-bin, cgitrc, and users: alice with the password
  // "secret".
  explicit ConfSite(FrontRoad road);

  // What stands for /srv.
  const std::string& srv() const { return srv_; }
  // Writes srv()/cgi-bin/NAME, executable.
  void add_program(const std::string& name, const std::string& text) const;
  // Gives all that is in srv() to whom the workers run as.
  void give_to_workers() const;

  void start();

  Server& server() { return *server_; }
  const Front& front() const { return front_; }
  // `path` at the front: http://127.0.0.1:PORT/PATH, and the same as alice.
  std::string url(const std::string& path) const;
  std::string url_of_alice(const std::string& path) const;

 private:
  std::string adapted(std::string text) const;
  App app() const;

  FrontRoad road_;
  TempDir folder_;
  std::string srv_ = folder_ / "srv";
  std::optional<Server> server_;
  Front front_;
};

}  // namespace harness
