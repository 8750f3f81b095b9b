// The configuration as plain structs, with the defaults of every key. Made by config/reader.h and by nothing else;
// never changed afterwards.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "config/access_format.h"
#include "config/settings.h"

namespace forklift::config {

enum class Protocol { kScgi };

// Where a listener is bound: a numeric TCP address with its port, or the path of a Unix socket. Or that it is bound
// already, by the service manager, which passes it to the server under a name.
struct Address {
  enum class Family { kTcp4, kTcp6, kUnix, kSystemd };
  Family family = Family::kTcp4;
  std::string host;        // TCP: numeric, without brackets
  std::uint16_t port = 0;  // TCP: 0 is any free one
  std::string path;        // Unix: absolute, at most 107 bytes; systemd: the name

  // `127.0.0.1:4000`, `[::1]:4000`, `unix:/run/app.sock`, `systemd:web`: as it is written in YAML and shown in the log.
  std::string to_string() const;
  bool operator==(const Address&) const = default;
};

// What the end of a client's half means, as long as its request waits for a worker.
enum class HalfClose {
  kAnswer,  // that it has asked, and listens
  kAbort,   // that it has left
};

struct Listen {
  Address address;
  Protocol protocol = Protocol::kScgi;
  int backlog = 4096;
  unsigned mode = 0660;  // of a Unix socket's path
  std::string owner;     // of it, a name or a number; empty: the server's own user
  std::string group;     // the same; empty: the server's own group
  HalfClose half_close = HalfClose::kAnswer;
  bool from_localhost = false;  // written as `localhost`, which is one listener for each family
  Position position;

  bool operator==(const Listen&) const = default;
};

struct Workers {
  unsigned min = 1;
  unsigned max = 5;
  Duration idle_timeout = seconds(60);  // one above min that idles this long is drained; 0 = never
  std::uint64_t max_requests = 0;       // a worker is drained after exactly so many; 0 = never
  unsigned jitter = 10;                 // percent of max_requests by which each worker's own number is lower at most
  std::uint64_t max_memory = 0;         // bytes of RSS; a worker above it after a request is drained; 0 = never

  bool operator==(const Workers&) const = default;
};

struct Limits {
  std::size_t head = 64 * 1024;           // bytes of a request's head
  std::uint64_t body = 16 * 1024 * 1024;  // bytes of a request's body
  std::uint64_t body_rate = 1024;         // bytes a second of waiting for the client, either way; 0 = off
  std::size_t connections = 10000;        // held at the same time

  bool operator==(const Limits&) const = default;
};

// 0 = off.
struct Timeouts {
  Duration head = seconds(10);     // the whole head, since accept
  Duration body = seconds(30);     // without progress
  Duration write = seconds(30);    // without progress
  Duration request = seconds(60);  // time in the plugin without reading, writing or returning
  Duration total{};                // a request as a whole, since accept
  Duration start = seconds(30);    // fork to READY
  Duration drain = seconds(300);   // requests of an older generation, after a reload
  Duration stop = seconds(30);     // all workers at a stop

  bool operator==(const Timeouts&) const = default;
};

// How a new generation of the app proves itself.
struct Reload {
  std::string probe;     // `GET /healthz`: a request whose answer has to be below 400; empty: none
  Duration probation{};  // for so long the generation before may come back; 0 = never
  unsigned crashes = 3;  // so many deaths in that time bring it back

  // The two words of `probe`.
  std::string_view probe_method() const { return std::string_view(probe).substr(0, probe.find(' ')); }
  std::string_view probe_uri() const {
    return std::string_view(probe).substr(std::min(probe.find(' ') + 1, probe.size()));
  }

  bool operator==(const Reload&) const = default;
};

struct Queue {
  std::size_t length = 1024;   // connections whose head is complete and that wait for a worker
  Duration age = seconds(10);  // how long one may wait; 0 = as long as it takes

  bool operator==(const Queue&) const = default;
};

// A limit of setrlimit(2), soft and hard.
struct Rlimit {
  int resource = 0;         // RLIMIT_CORE, ...
  std::string name;         // `core`: as it is written
  std::uint64_t value = 0;  // in the resource's own unit; RLIM_INFINITY for `unlimited`

  bool operator==(const Rlimit&) const = default;
};

// Who a worker is and what it may do, once it is CONFINED.
struct Confinement {
  std::string user;       // a name or a number; empty: the server's own
  std::string group;      // the same; empty: the user's
  std::string directory;  // absolute, inside the chroot; empty: `/`
  std::string chroot;     // absolute; empty: none
  unsigned umask = 0022;
  std::vector<Rlimit> rlimits;
  bool no_new_privs = true;
  // Added to PATH, HOME and USER, in the order of the file; all that a worker's environment holds.
  std::vector<std::pair<std::string, std::string>> environment;

  bool operator==(const Confinement&) const = default;
};

struct AccessLog {
  std::string file;  // absolute; empty: none
  AccessFormat format = AccessFormat::combined();

  bool operator==(const AccessLog&) const = default;
};

// Where the keys of an app stand that are written, by the names that people know: for messages about what is found out
// later than by reading. No part of what the configuration says: all are equal.
class Places {
 public:
  void set(std::string key, Position position) { places_.insert_or_assign(std::move(key), std::move(position)); }
  // nullptr: it is not written.
  const Position* find(std::string_view key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &found->second;
  }
  bool operator==(const Places&) const { return true; }

 private:
  std::map<std::string, Position, std::less<>> places_;
};

struct App {
  std::string name;
  std::string plugin;  // absolute path
  std::vector<Listen> listen;
  Workers workers;
  Limits limits;
  Timeouts timeouts;
  Queue queue;
  Reload reload;
  Confinement confinement;
  AccessLog access_log;
  Settings settings;
  Position position;
  Places places;

  // Where the key `plugin`, `limits.connections`, ... stands; where the app does, if the key is not written.
  const Position& place(std::string_view key) const {
    const Position* found = places.find(key);
    return found ? *found : position;
  }

  bool operator==(const App&) const = default;
};

struct Config {
  std::string file;         // real path of the YAML file
  std::string runtime_dir;  // absolute path; made by `serve`
  std::string pid_file;     // absolute path; empty: none
  std::string control;      // absolute path of the Unix socket of the commands, at most 107 bytes
  log::Options log;
  std::size_t reception_bytes = 64 * 1024 * 1024;  // limits.reception: memory for heads that are still arriving
  std::vector<App> apps;                           // at least one

  bool operator==(const Config&) const = default;
};

}  // namespace forklift::config
