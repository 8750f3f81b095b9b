// An nginx in front of the server under test, with the configuration that we give to people: conf/nginx.conf.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/child.h"
#include "harness/endpoint.h"
#include "harness/files.h"

namespace harness {

class Nginx {
 public:
  // A location `/NAME`, and the listener that it leads to.
  using Upstreams = std::vector<std::pair<std::string, Endpoint>>;

  Nginx() = default;
  ~Nginx();

  // Starts it on a free port of 127.0.0.1 and waits until it accepts; throws, with its log, if it doesn't.
  // conf/nginx.conf is used as it is, but for `listen` and the upstreams and locations of its own. `directives` go into
  // the server block.
  void start(const Upstreams& upstreams, const std::string& directives = {});
  ExitStatus stop();

  const Endpoint& endpoint() const { return endpoint_; }
  std::string log() const;

 private:
  TempDir folder_;
  Child child_;
  Endpoint endpoint_;
};

// conf/nginx.conf, given as `text`, for other addresses; throws if it doesn't have the lines that are to be replaced.
std::string adapt_nginx_conf(const std::string& text, const Endpoint& listen, const Nginx::Upstreams& upstreams,
                             const std::string& directives);

}  // namespace harness
