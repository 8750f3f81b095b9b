// A web server in front of the server under test, with the configuration that we give to people: conf/nginx.conf,
// conf/apache.conf or conf/lighttpd.conf.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>

#include "harness/child.h"
#include "harness/endpoint.h"
#include "harness/files.h"
#include "harness/front_conf.h"

namespace harness {

class Front {
 public:
  explicit Front(FrontKind kind) : kind_(kind) {}
  ~Front();

  // What it is told instead of that file, with the same words for what start() replaces. Before start().
  void set_conf(std::string text) { conf_ = std::move(text); }

  // Starts it on a free port of 127.0.0.1 and waits until it accepts; throws, with its log, if it doesn't.
  void start(const Upstreams& upstreams);
  ExitStatus stop();

  FrontKind kind() const { return kind_; }
  const Endpoint& endpoint() const { return endpoint_; }
  std::string log() const;

 private:
  bool listens() const;

  FrontKind kind_;
  std::string conf_;  // empty: that file
  TempDir folder_;
  Child child_;
  Endpoint endpoint_;
};

}  // namespace harness
