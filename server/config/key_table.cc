#include <sys/resource.h>

#include "config/apps.h"
#include "config/confinement.h"
#include "config/defaults.h"
#include "config/fields.h"
#include "config/include.h"
#include "config/keys.h"
#include "config/show.h"

namespace forklift::config {

namespace {

using Kind = Type::Kind;

constexpr std::uint64_t kK = 1024;
constexpr std::uint64_t kM = 1024 * kK;
constexpr std::uint64_t kG = 1024 * kM;
// No file, no machine and no sum of two of them comes near.
constexpr std::uint64_t kSizeMax = 1024 * kG;

// 0, 1, 2, channel, image, the connection, and what opening the plugin takes.
constexpr std::uint64_t kFilesMin = 16;
// The most to which Linux lets anybody raise fs.nr_open, and so RLIMIT_NOFILE; it knows no unlimited one.
constexpr std::uint64_t kFilesMax = 2'147'483'584;

constexpr Default is(std::string_view value) {
  return {.value = value};
}
constexpr Default otherwise(std::string_view meaning, std::string_view example) {
  return {.otherwise = meaning, .example = example};
}
constexpr Default required(std::string_view example) {
  return {.required = true, .example = example};
}

constexpr Type kSection = {.kind = Kind::kSection, .read = [](Value& value) { value.section(); }, .show = show_section};
constexpr Type kWorkersSection = {.kind = Kind::kSection, .read = read_workers, .show = show_section};

template <int resource>
constexpr Type byte_limit() {
  return {.kind = Kind::kSize,
          .words = {"unlimited"},
          .read = [](Value& value) { read_byte_limit(value, resource); },
          .show = [](const Subject& subject, const Key& key) { return show_limit(subject, key, resource); }};
}

template <int resource>
constexpr Type count_limit() {
  return {.kind = Kind::kCount,
          .words = {"unlimited"},
          .read = [](Value& value) { read_count_limit(value, resource); },
          .show = [](const Subject& subject, const Key& key) { return show_limit(subject, key, resource); }};
}

constexpr Type file_limit() {
  Type type = count_limit<RLIMIT_NOFILE>();
  type.min = kFilesMin;
  type.max = kFilesMax;
  type.words = {};
  return type;
}

constexpr Default limit(std::string_view example) {
  return otherwise("what the server was started with", example);
}

constexpr Type kBacklog = count<&Listen::backlog>(1, 65535);
constexpr Type kMode = octal<&Listen::mode>(0777);
constexpr Type kOwner = account<&Listen::owner>();
constexpr Type kGroup = account<&Listen::group>();

// Where a key is refused, it is not shown either.
template <const Type& type>
constexpr Type of_unix_sockets() {
  Type result = type;
  result.show = [](const Subject& subject, const Key& key) {
    return subject.listen->address.family == Address::Family::kUnix ? type.show(subject, key) : Node();
  };
  return result;
}

template <const Type& type>
constexpr Type unless_systemd() {
  Type result = type;
  result.show = [](const Subject& subject, const Key& key) {
    return subject.listen->address.family == Address::Family::kSystemd ? Node() : type.show(subject, key);
  };
  return result;
}

// A row without a type is not supported yet.
constexpr Key kKeys[] = {
    {"runtime_dir", path<&Config::runtime_dir>(),
     otherwise("/run/forklift/ID for root, else $XDG_RUNTIME_DIR/forklift/ID or /tmp/forklift-UID/ID, where ID comes "
               "from the path of this file",
               "/run/shop"),
     "folder for the server's own files, made with mode 0700"},
    {"pid_file", path<&Config::pid_file>(), otherwise("none", "/run/shop/pid"), "file with the master's pid"},
    {"control",
     {.kind = Kind::kPath, .read = read_control, .show = path<&Config::control>().show},
     otherwise("runtime_dir/control", "/run/shop/control"),
     "Unix socket through which the commands reload, restart, stop and status talk to the server; at most 107 bytes"},
    {"log", kSection, {}, "the server's log, and what plugins print"},
    {"log.file",
     {.kind = Kind::kPath, .words = {"-", "syslog", "journal"}, .read = read_log_file, .show = show_log_file},
     is("\"-\""),
     "where the log is written: a path, or \"-\" for standard error, or a service of the machine, syslog or journal"},
    {"log.level", word<&Config::log, &log::Options::level>({"debug", "info", "warning", "error"}), is("info"),
     "the least level that is written"},
    {"log.format", word<&Config::log, &log::Options::format>({"text", "json"}), is("text"),
     "form of the lines; json: one object a line"},
    {"include",
     {.kind = Kind::kPatterns, .read = read_include},
     is("[]"),
     "files with a list of apps each; the last part of a path may have *, ? and [...]"},
    {"limits", kSection, {}, "what the server as a whole may take"},
    {"limits.reception", size<&Config::reception_bytes>(1 * kM, 64 * kG), is("64M"),
     "memory for all heads that are still arriving; past it the one that has begun first is answered 503"},
    {"defaults",
     {.kind = Kind::kDefaults, .read = read_defaults},
     {.value = "{}", .example = "{ user: nobody }"},
     "keys that all apps have in common: any but name, plugin and listen; what an app says itself comes first"},

    {"apps",
     {.kind = Kind::kApps, .read = read_apps, .may_be_empty = true, .show = show_apps},
     otherwise("those of include; there has to be one", {}),
     "the apps"},
    {"apps[].name",
     {.kind = Kind::kName, .min = 1, .max = 64, .read = read_app_name, .show = show_app_name},
     required("hello"),
     "names the app in the log; no two apps have the same"},
    {"apps[].plugin", path<&App::plugin>(), required("../build/release/plugins/hello.so"), "the plugin's file"},

    {"apps[].listen",
     {.kind = Kind::kListen, .read = read_listen, .show = show_listen},
     required({}),
     "where the app is reached: one listener or a list of them, each an address or a map"},
    {"apps[].listen[].address",
     {.kind = Kind::kAddress, .read = read_listen_address, .show = show_listen_address},
     required("\"127.0.0.1:4000\""),
     "PORT (on 127.0.0.1), HOST:PORT with a numeric HOST or localhost, unix:PATH, or systemd:NAME for the "
     "sockets that a socket unit passes with FileDescriptorName=NAME; port 0 is any free one"},
    {"apps[].listen[].protocol", word<&Listen::protocol>({"scgi"}, {"fastcgi", "http"}), is("scgi"),
     "what the front server speaks"},
    {"apps[].listen[].backlog", unless_systemd<kBacklog>(), is("4096"),
     "connections that the kernel keeps until the master accepts them; of a systemd: socket, the unit says it"},
    {"apps[].listen[].mode", of_unix_sockets<kMode>(), otherwise("0660", "\"0660\""),
     "permissions of a Unix socket: who may write to it may connect"},
    {"apps[].listen[].owner", of_unix_sockets<kOwner>(), otherwise("who started the server", "root"),
     "user whom a Unix socket belongs to"},
    {"apps[].listen[].group", of_unix_sockets<kGroup>(), otherwise("who started the server", "www-data"),
     "group whom a Unix socket belongs to, such as the front server's"},
    {"apps[].listen[].half_close", word<&Listen::half_close>({"answer", "abort"}), is("answer"),
     "what becomes of a client that has closed its side while its request waits; abort: it is given up, with 499"},

    {"apps[].workers", kWorkersSection, {}, "how many processes run the plugin, and for how long"},
    {"apps[].workers.min", count<&App::workers, &Workers::min>(0, kWorkersMax), is("1"),
     "workers that are started at once and kept"},
    {"apps[].workers.max", count<&App::workers, &Workers::max>(1, kWorkersMax), is("5"),
     "up to so many workers when all are busy; not less than min"},
    {"apps[].workers.idle_timeout", duration<&App::workers, &Workers::idle_timeout>(), is("60s"),
     "a worker above min that idles this long ends"},
    {"apps[].workers.max_requests", count<&App::workers, &Workers::max_requests>(0, 1'000'000'000), is("0"),
     "a worker is replaced after so many requests; 0: never"},
    {"apps[].workers.jitter", percent<&App::workers, &Workers::jitter>(0, 50), is("10%"),
     "of max_requests: each worker gets so much less at most, by chance, so that they don't end together"},
    {"apps[].workers.max_memory", size<&App::workers, &Workers::max_memory>(0, kSizeMax), is("0"),
     "a worker that has more resident memory after a request is replaced; 0: never"},

    {"apps[].limits", kSection, {}, "what a request may take"},
    {"apps[].limits.head", size<&App::limits, &Limits::head>(1 * kK, 1 * kM), is("64K"),
     "bytes of a request's head; a longer one is answered 431; above 390K, a server without CAP_NET_ADMIN needs more "
     "net.core.wmem_max than Linux has by default, see `forklift check`"},
    {"apps[].limits.body", size<&App::limits, &Limits::body>(0, kSizeMax), is("16M"),
     "bytes of a request's body; a longer one is answered 413"},
    {"apps[].limits.body_rate", size<&App::limits, &Limits::body_rate>(0, kSizeMax), is("1K"),
     "bytes per second, on average, once timeouts.body has passed, of a body, whose request is answered 408 if it is "
     "slower, and once timeouts.write has passed, of a response, which is aborted; 0 = off"},
    {"apps[].limits.connections", count<&App::limits, &Limits::connections>(1, 1'000'000), is("10000"),
     "connections at the same time; more are answered 503"},

    {"apps[].timeouts", kSection, {}, "how long things may take"},
    {"apps[].timeouts.head", duration<&App::timeouts, &Timeouts::head>(), is("10s"),
     "until a request's whole head is there, since accept: 408"},
    {"apps[].timeouts.body", duration<&App::timeouts, &Timeouts::body>(), is("30s"),
     "without a byte of a request's body: 408"},
    {"apps[].timeouts.write", duration<&App::timeouts, &Timeouts::write>(), is("30s"),
     "without the client taking a byte of the response: abort"},
    {"apps[].timeouts.request", duration<&App::timeouts, &Timeouts::request>(), is("60s"),
     "in the plugin, without reading, writing or returning: 504"},
    {"apps[].timeouts.total", duration<&App::timeouts, &Timeouts::total>(), is("0"),
     "for a request as a whole, since accept: 504, or 503 if it still waits for a worker"},
    {"apps[].timeouts.slow"},
    {"apps[].timeouts.start", some_duration<&App::timeouts, &Timeouts::start>(), is("30s"),
     "for a worker, from fork to READY"},
    {"apps[].timeouts.drain", duration<&App::timeouts, &Timeouts::drain>(), is("5m"),
     "for requests that are in flight at a reload to finish on the old workers: 504"},
    {"apps[].timeouts.stop", some_duration<&App::timeouts, &Timeouts::stop>(), is("30s"),
     "for all workers to finish their requests when the server stops"},
    {"apps[].timeouts.keep_alive"},

    {"apps[].queue", kSection, {}, "requests that wait because all workers are busy"},
    {"apps[].queue.length", count<&App::queue, &Queue::length>(1, 1'000'000), is("1024"),
     "so many may wait; more are answered 503 with Retry-After"},
    {"apps[].queue.age", duration<&App::queue, &Queue::age>(), is("10s"),
     "how long one may wait; then it is answered 503 with Retry-After"},

    {"apps[].dispatch"},
    {"apps[].reload", kSection, {}, "how new workers prove themselves at a reload, before they get a request"},
    {"apps[].reload.probe",
     {.kind = Kind::kRequest, .read = read_probe, .show = show_probe},
     otherwise("none", "\"GET /healthz\""),
     "a request that the first new worker is asked before all others; its answer has to be below 400"},
    {"apps[].reload.probation", duration<&App::reload, &Reload::probation>(), is("0"),
     "for so long after a reload the workers before come back where the new ones crash; 0: never"},
    {"apps[].reload.crashes", count<&App::reload, &Reload::crashes>(1, 1'000'000), is("3"),
     "within probation, so many workers that die in a request, and more than one in 20 requests, bring them back"},
    {"apps[].crash"},
    {"apps[].crash.dir"},
    {"apps[].crash.keep"},
    {"apps[].crash.body"},

    {"apps[].user", account<&App::confinement, &Confinement::user>(),
     otherwise("who started the server, which must not be root", "www-data"),
     "whom workers run as; ignored where the server is not started as root"},
    {"apps[].group", account<&App::confinement, &Confinement::group>(), otherwise("the user's", "www-data"),
     "the group of workers"},
    {"apps[].directory", path<&App::confinement, &Confinement::directory>(), otherwise("/", "/srv/shop"),
     "where workers are; with chroot: a path inside it"},
    {"apps[].umask", octal<&App::confinement, &Confinement::umask>(0777), is("\"022\""),
     "permissions that files of workers don't get"},
    {"apps[].chroot", path<&App::confinement, &Confinement::chroot>(), otherwise("none", "/srv/shop"),
     "folder that is / for workers; needs root, and a proc file system at its /proc"},
    // Without `locks` and `rss`, which Linux ignores.
    {"apps[].rlimits", kSection, {}, "limits of each worker, soft and hard: setrlimit(2)"},
    {"apps[].rlimits.core", byte_limit<RLIMIT_CORE>(), limit("0"), "bytes of a core file"},
    {"apps[].rlimits.nofile", file_limit(), limit("1024"), "one more than the highest descriptor"},
    {"apps[].rlimits.as", byte_limit<RLIMIT_AS>(), limit("2G"), "bytes of address space"},
    {"apps[].rlimits.nproc", count_limit<RLIMIT_NPROC>(), limit("unlimited"), "processes and threads of the user"},
    {"apps[].rlimits.fsize", byte_limit<RLIMIT_FSIZE>(), limit("1G"),
     "bytes of a file that is written; more is an error of write(2), EFBIG"},
    {"apps[].rlimits.cpu", count_limit<RLIMIT_CPU>(), limit("unlimited"), "seconds of processor time"},
    {"apps[].rlimits.data", byte_limit<RLIMIT_DATA>(), limit("unlimited"), "bytes of data and heap"},
    {"apps[].rlimits.stack", byte_limit<RLIMIT_STACK>(), limit("8M"), "bytes of the stack"},
    {"apps[].rlimits.memlock", byte_limit<RLIMIT_MEMLOCK>(), limit("64K"), "bytes of memory that is locked"},
    {"apps[].rlimits.msgqueue", byte_limit<RLIMIT_MSGQUEUE>(), limit("800K"),
     "bytes of the user's POSIX message queues"},
    {"apps[].rlimits.nice", count_limit<RLIMIT_NICE>(), limit("0"), "20 minus the lowest nice value"},
    {"apps[].rlimits.rtprio", count_limit<RLIMIT_RTPRIO>(), limit("0"), "the highest real-time priority"},
    {"apps[].rlimits.rttime", count_limit<RLIMIT_RTTIME>(), limit("unlimited"),
     "microseconds of real-time scheduling without a blocking system call"},
    {"apps[].rlimits.sigpending", count_limit<RLIMIT_SIGPENDING>(), limit("1000"), "queued signals of the user"},
    {"apps[].no_new_privs", word<&App::confinement, &Confinement::no_new_privs>({"false", "true"}), is("true"),
     "whether set-user-id programs gain nothing"},
    {"apps[].environment",
     {.kind = Kind::kMap, .read = read_environment, .show = show_environment},
     is("{}"),
     "all variables that workers have besides PATH, HOME and USER, which can be set here too"},

    {"apps[].settings",
     {.kind = Kind::kTree, .read = read_settings, .may_be_empty = true, .show = show_settings},
     is("{}"),
     "any tree; the plugin reads it when it is created"},
    {"apps[].access_log", kSection, {}, "one line a request; without it there is none"},
    {"apps[].access_log.file",
     {.kind = Kind::kPath, .read = read_access_log_file, .show = show_access_log_file},
     required("/var/log/shop.log"),
     "where the lines are written"},
    {"apps[].access_log.format",
     {.kind = Kind::kFormat,
      .words = {"combined", "json"},
      .read = read_access_log_format,
      .show = show_access_log_format},
     is("combined"),
     "form of the lines; $$ is a dollar sign"},
};

}  // namespace

std::span<const Key> all_keys() {
  return kKeys;
}

}  // namespace forklift::config
