#include "config/keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "base/quote.h"
#include "config/apps.h"
#include "config/confinement.h"
#include "config/nearest.h"
#include "config/value.h"

namespace forklift::config {

namespace {

constexpr auto kRequired = Key::Presence::kRequired;
constexpr std::uint64_t kK = 1024;
constexpr std::uint64_t kM = 1024 * kK;
constexpr std::uint64_t kG = 1024 * kM;
// No file, no machine and no sum of two of them comes near.
constexpr std::uint64_t kSizeMax = 1024 * kG;

// In the order of the documentation. A row without a reader is not supported yet.
constexpr Key kKeys[] = {
    {"runtime_dir", [](Value& v) { v.path(v.config().runtime_dir); }},
    {"pid_file", [](Value& v) { v.path(v.config().pid_file); }},
    {"control"},
    {"log", [](Value& v) { v.section(); }},
    {"log.file", read_log_file},
    {"log.level",
     [](Value& v) {
       using log::Level;
       v.word<Level>(
           v.config().log.level,
           {{"debug", Level::kDebug}, {"info", Level::kInfo}, {"warning", Level::kWarning}, {"error", Level::kError}});
     }},
    {"log.format",
     [](Value& v) {
       v.word<log::Format>(v.config().log.format, {{"text", log::Format::kText}, {"json", log::Format::kJson}});
     }},
    {"include"},
    {"limits", [](Value& v) { v.section(); }},
    {"limits.reception", [](Value& v) { v.size(v.config().reception_bytes, 1 * kM, 64 * kG); }},
    {"defaults"},

    {"apps", read_apps, kRequired},
    {"apps[].name", read_app_name, kRequired},
    {"apps[].plugin", [](Value& v) { v.path(v.app().plugin); }, kRequired},

    {"apps[].listen", read_listen, kRequired},
    {"apps[].listen[].address", read_listen_address, kRequired},
    {"apps[].listen[].protocol",
     [](Value& v) {
       v.word<Protocol>(v.listen().common.protocol, {{"scgi", Protocol::kScgi}}, {"fastcgi", "http"});
     }},
    {"apps[].listen[].backlog", [](Value& v) { v.count(v.listen().common.backlog, 1, 65535); }},
    {"apps[].listen[].mode"},
    {"apps[].listen[].owner"},
    {"apps[].listen[].group"},
    {"apps[].listen[].half_close"},

    {"apps[].workers", read_workers},
    {"apps[].workers.min", [](Value& v) { v.count(v.app().workers.min, 0, kWorkersMax); }},
    {"apps[].workers.max", [](Value& v) { v.count(v.app().workers.max, 1, kWorkersMax); }},
    {"apps[].workers.idle_timeout", [](Value& v) { v.duration(v.app().workers.idle_timeout, Zero::kMeansOff); }},
    {"apps[].workers.max_requests", [](Value& v) { v.count(v.app().workers.max_requests, 0, 1'000'000'000); }},
    {"apps[].workers.jitter", [](Value& v) { v.percent(v.app().workers.jitter, 0, 50); }},
    {"apps[].workers.max_memory", [](Value& v) { v.size(v.app().workers.max_memory, 0, kSizeMax); }},

    {"apps[].limits", [](Value& v) { v.section(); }},
    {"apps[].limits.head", [](Value& v) { v.size(v.app().limits.head, 1 * kK, 1 * kM); }},
    {"apps[].limits.body", [](Value& v) { v.size(v.app().limits.body, 0, kSizeMax); }},
    {"apps[].limits.body_rate", [](Value& v) { v.size(v.app().limits.body_rate, 0, kSizeMax); }},
    {"apps[].limits.connections", [](Value& v) { v.count(v.app().limits.connections, 1, 1'000'000); }},

    {"apps[].timeouts", [](Value& v) { v.section(); }},
    {"apps[].timeouts.head", [](Value& v) { v.duration(v.app().timeouts.head, Zero::kMeansOff); }},
    {"apps[].timeouts.body", [](Value& v) { v.duration(v.app().timeouts.body, Zero::kMeansOff); }},
    {"apps[].timeouts.write", [](Value& v) { v.duration(v.app().timeouts.write, Zero::kMeansOff); }},
    {"apps[].timeouts.request", [](Value& v) { v.duration(v.app().timeouts.request, Zero::kMeansOff); }},
    {"apps[].timeouts.total", [](Value& v) { v.duration(v.app().timeouts.total, Zero::kMeansOff); }},
    {"apps[].timeouts.slow"},
    {"apps[].timeouts.start", [](Value& v) { v.duration(v.app().timeouts.start, Zero::kRefused); }},
    {"apps[].timeouts.drain"},
    {"apps[].timeouts.stop", [](Value& v) { v.duration(v.app().timeouts.stop, Zero::kRefused); }},
    {"apps[].timeouts.keep_alive"},

    {"apps[].queue", [](Value& v) { v.section(); }},
    {"apps[].queue.length", [](Value& v) { v.count(v.app().queue.length, 0, 1'000'000); }},
    {"apps[].queue.age", [](Value& v) { v.duration(v.app().queue.age, Zero::kMeansOff); }},

    {"apps[].dispatch"},
    {"apps[].reload"},
    {"apps[].reload.probe"},
    {"apps[].reload.probation"},
    {"apps[].reload.crashes"},
    {"apps[].crash"},
    {"apps[].crash.dir"},
    {"apps[].crash.keep"},
    {"apps[].crash.body"},

    {"apps[].user", [](Value& v) { read_account(v, v.app().confinement.user); }},
    {"apps[].group", [](Value& v) { read_account(v, v.app().confinement.group); }},
    {"apps[].directory", [](Value& v) { v.path(v.app().confinement.directory); }},
    {"apps[].umask", read_umask},
    {"apps[].chroot", [](Value& v) { v.path(v.app().confinement.chroot); }},
    // Without `locks` and `rss`, which Linux ignores.
    {"apps[].rlimits", [](Value& v) { v.section(); }},
    {"apps[].rlimits.core", [](Value& v) { read_byte_limit(v, RLIMIT_CORE); }},
    {"apps[].rlimits.nofile", read_file_limit},
    {"apps[].rlimits.as", [](Value& v) { read_byte_limit(v, RLIMIT_AS); }},
    {"apps[].rlimits.nproc", [](Value& v) { read_count_limit(v, RLIMIT_NPROC); }},
    {"apps[].rlimits.fsize", [](Value& v) { read_byte_limit(v, RLIMIT_FSIZE); }},
    {"apps[].rlimits.cpu", [](Value& v) { read_count_limit(v, RLIMIT_CPU); }},
    {"apps[].rlimits.data", [](Value& v) { read_byte_limit(v, RLIMIT_DATA); }},
    {"apps[].rlimits.stack", [](Value& v) { read_byte_limit(v, RLIMIT_STACK); }},
    {"apps[].rlimits.memlock", [](Value& v) { read_byte_limit(v, RLIMIT_MEMLOCK); }},
    {"apps[].rlimits.msgqueue", [](Value& v) { read_byte_limit(v, RLIMIT_MSGQUEUE); }},
    {"apps[].rlimits.nice", [](Value& v) { read_count_limit(v, RLIMIT_NICE); }},
    {"apps[].rlimits.rtprio", [](Value& v) { read_count_limit(v, RLIMIT_RTPRIO); }},
    {"apps[].rlimits.rttime", [](Value& v) { read_count_limit(v, RLIMIT_RTTIME); }},
    {"apps[].rlimits.sigpending", [](Value& v) { read_count_limit(v, RLIMIT_SIGPENDING); }},
    {"apps[].no_new_privs",
     [](Value& v) {
       v.word<bool>(v.app().confinement.no_new_privs, {{"true", true}, {"false", false}});
     }},
    {"apps[].environment", read_environment},

    {"apps[].settings", [](Value& v) { v.tree(v.app().settings); }, Key::Presence::kOptional, true},
    {"apps[].access_log", [](Value& v) { v.section(); }},
    {"apps[].access_log.file", read_access_log_file, kRequired},
    {"apps[].access_log.format", read_access_log_format},
};

std::string show(std::string_view path) {
  constexpr std::string_view kApp = "apps[].";
  if (path.starts_with(kApp)) path.remove_prefix(kApp.size());
  std::string shown(path);
  for (std::size_t at = 0; (at = shown.find("[]", at)) != std::string::npos;) shown.erase(at, 2);
  return shown;
}

// The supported keys of the same name in other places, for somebody whose indentation has slipped.
std::string explain_place(std::string_view name) {
  std::vector<std::string> places;
  for (const Key& key : kKeys) {
    if (key.name() != name || !key.read) continue;
    places.push_back(key.parent().empty() ? "at the top" : fmt::format("in \"{}\"", show(key.parent())));
  }
  return fmt::format("{}", fmt::join(places, " or "));
}

}  // namespace

std::string_view Key::parent() const {
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
}

std::string_view Key::name() const {
  return path.substr(path.rfind('.') + 1);
}

std::string Key::shown() const {
  return show(path);
}

std::span<const Key> all_keys() {
  return kKeys;
}

const Key* find_key(std::string_view parent, std::string_view name) {
  const auto found =
      std::ranges::find_if(kKeys, [&](const Key& key) { return key.name() == name && key.parent() == parent; });
  return found == std::end(kKeys) ? nullptr : found;
}

std::string explain_unknown(std::string_view parent, std::string_view name) {
  const std::string unknown = fmt::format("unknown key {}", quote(name, 60));
  if (const std::string place = explain_place(name); !place.empty())
    return fmt::format("{}; it belongs {}", unknown, place);

  std::vector<std::string_view> known;
  std::vector<std::string_view> supported;
  for (const Key& key : kKeys) {
    if (key.parent() != parent) continue;
    known.push_back(key.name());
    if (key.read) supported.push_back(key.name());
  }
  if (const auto near = nearest(name, known); !near.empty())
    return fmt::format("{}; did you mean \"{}\"?", unknown, near);
  return fmt::format("{}; known here: {}", unknown, fmt::join(supported, ", "));
}

}  // namespace forklift::config
