// What people do with git, over HTTP, by git-http-backend as a program of the plugin `cgi`: the small and the large
// form of it, in calm and during a storm of reloads.
#pragma once

#include <cstdint>
#include <string>

#include "cgi/conf_site.h"
#include "cgi/tools.h"

namespace harness {

struct GitSizes {
  int commits = 0;          // of the history that is pushed first
  std::uint64_t bytes = 0;  // of a file that cannot be compressed: what the largest pack has
  int clients = 0;          // that clone, push and fetch at the same time
  int rounds = 0;           // of each of them
};

inline constexpr GitSizes kSmallGit{.commits = 50, .bytes = 2 << 20, .clients = 8, .rounds = 1};
inline constexpr GitSizes kLargeGit{.commits = 2000, .bytes = 50 << 20, .clients = 8, .rounds = 5};

class GitScenario {
 public:
  GitScenario(FrontRoad road, const GitSizes& sizes);

  ConfSite& site() { return site_; }

  // Pushes, clones, fetches; shallow and partial clones; many clients. Failures go to GoogleTest. May be called again.
  void run();
  // Afterwards: the repository is whole, and what clients see of it is what it has.
  void check_repository();

 private:
  std::string url() const { return site_.url("/git/shop.git"); }
  std::string url_of_alice() const { return site_.url_of_alice("/git/shop.git"); }
  std::string path(const std::string& name) const;
  void make_history();
  std::string git(const std::string& clone, const std::string& words) const;

  void push_all();
  void clone_and_compare();
  void exchange();
  void clone_parts();
  void many_clients();

  GitSizes sizes_;
  ConfSite site_;
  Tools tools_;
  int round_ = 0;
  std::string work_;  // where the clones of this round are
};

}  // namespace harness
