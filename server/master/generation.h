// One load of an app's configuration and image, and the number by which logs know it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/identity.h"
#include "base/unique_fd.h"
#include "config/config.h"

namespace forklift::master {

// What an image holds, as its first worker to be CHECKED says: bounded and escaped, but it may be anything.
struct PluginFacts {
  std::string name;
  std::string version;
  std::string build_id;

  // `shop 2.1 (build id 9f2c...)`; empty where nothing is known.
  std::string to_string() const;
};

// Of what Plugin has behind its struct.
PluginFacts to_plugin_facts(std::string_view said);

// Shared by the workers born of it, and by the pool that starts them. Neither its configuration nor its image ever
// changes.
struct Generation {
  // Overwrites what the configuration keeps secret: workers of other apps get a copy of the memory that it leaves.
  ~Generation();

  std::uint64_t number = 0;  // counted from 1 for each app, given when the load starts, never used again
  config::App config;
  Identity identity;                // who its workers are
  std::size_t lend_bytes = 0;       // the most that one lend carries: also of a head that has come under earlier limits
  std::shared_ptr<UniqueFd> image;  // none until its first worker is IMAGED; another that is to be the same shares it
  PluginFacts plugin;               // empty until its first worker is CHECKED
  bool proved = false;              // one of its workers has been READY
};

// `generation 4 is running: shop 2.1 (build id 9f2c...)`
std::string describe_running(const Generation& generation);

// All generations that somebody still has, and the numbers of those that there were.
class Generations {
 public:
  // One with the next number of the app. `before` is what the app has run until now; nullptr: nothing.
  std::shared_ptr<Generation> make(config::App config, Identity identity, const Generation* before = nullptr);

  // In a new worker of `app`: overwrites what other apps keep secret (config/scrub.h).
  void forget_all_but(const std::string& app);

 private:
  std::map<std::string, std::uint64_t> numbers_;  // the last ones, by app
  std::vector<std::weak_ptr<Generation>> all_;
};

}  // namespace forklift::master
