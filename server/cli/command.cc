#include "cli/command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "base/quote.h"
#include "config/nearest.h"

namespace forklift::cli {

namespace {

constexpr Option kServeOptions[] = {
    {"strict", "any app that does not start is fatal"},
};

constexpr Option kCheckOptions[] = {
    {"print", "print the effective configuration, with all defaults, to standard output"},
};

constexpr Option kControl = {
    kControlName, "the server's control socket, where FILE does not lead to it; FILE can be left out", "PATH"};

constexpr Option kReloadOptions[] = {{"app", "reload this app alone", "NAME"}, kControl};
constexpr Option kRestartOptions[] = {{"app", "the app to restart", "NAME", true}, kControl};
constexpr Option kStopOptions[] = {kControl};
constexpr Option kStatusOptions[] = {{"json", "print all of it, as one JSON object"}, kControl};

constexpr Option kCallOptions[] = {
    {"header", "a header of the request, `Name: value`; can be repeated", "LINE", false, 'H', true},
    {"data", "the body: DATA, of a file with @FILE, of standard input with @-", "DATA", false, 'd'},
    {"settings", "the plugin's settings: FILE.yaml, or path=value; can be repeated", "SETTINGS", false, 0, true},
    {"env", "a variable of the request, NAME=VALUE; can be repeated", "VARIABLE", false, 0, true},
    {"include", "print the head of the response, too", {}, false, 'i'},
    {"repeat", "send the request NUMBER times, and say how long it took", "NUMBER"},
    {"timeout", "end with status 1 where the plugin takes longer: 500ms, 10s", "DURATION"},
};
constexpr Option kInspectOptions[] = {{"json", "print all of it, as one JSON object"}};
constexpr Option kNewOptions[] = {
    {.name = "c", .meaning = "a plugin in C"},
    {.name = "c++", .meaning = "a plugin in C++, which is the default", .instead = true},
    {.name = "rust", .meaning = "a plugin in Rust, without crates", .instead = true},
    {"directory", "where the folder NAME is made; default: here", "FOLDER"},
};

constexpr Command kCommands[] = {
    {"serve", "FILE", "runs the apps that the YAML file FILE declares, in the foreground", kServeOptions,
     "The server is ready when it has logged READY. Signals:\n"
     "  TERM, QUIT, INT  finish what is in flight, within timeouts.stop, and exit; a second one: at once\n"
     "  HUP              reload: new plugins and new configuration, without losing a request\n"
     "  USR1             open the log file and the access logs again; connect to syslog or the journal again\n"
     "Exit status: 0 after a clean stop; 1 if it could not start (an address, a user, a log, pid_file, runtime_dir,\n"
     "or every app); 2 for a wrong command line or configuration.\n"},
    {"check", "FILE", "says what is wrong with the YAML file FILE and with the plugins that it names", kCheckOptions,
     "Reads FILE, looks at users and folders, and starts each plugin up to its create(), as its app's user, in a\n"
     "process that is thrown away. It takes no port, pid file or runtime_dir from a server that runs from the same\n"
     "file. Everything that it has to say goes to standard error.\n"
     "Exit status: 0 if all is fine; 2 if there are findings.\n"},
    {"reload", "FILE", "has the server that runs from the YAML file FILE read it again", kReloadOptions,
     "Waits until it is over, and tells how it went, app by app. Ctrl-C ends the waiting, not the reload.\n"
     "Exit status: 0 if all went well; 1 with the reason if not, or if no server runs there.\n"},
    {"restart", "FILE", "has the server replace the workers of one app", kRestartOptions,
     "Without reading FILE: the new workers have the plugin's file as it is now, and the settings that are in use.\n"
     "They prove themselves first, as at a reload.\n"
     "Exit status: 0 if all went well; 1 with the reason if not, or if no server runs there.\n"},
    {"stop", "FILE", "stops the server that runs from the YAML file FILE, and waits until it has ended", kStopOptions,
     "What is in flight is finished first, within timeouts.stop.\n"
     "Exit status: 0 when it has ended; 1 with the reason if it cannot be stopped, or if no server runs there.\n"},
    {"status", "FILE", "shows what the server that runs from the YAML file FILE is doing", kStatusOptions,
     "No worker is asked, so it answers also when all of them hang.\n"
     "Exit status: 0; 1 with the reason if no server runs there.\n"},
    {"call", "PLUGIN.so [METHOD] URI", "sends one request to a plugin, in this process and without a server",
     kCallOptions,
     "METHOD is GET, or POST where there is a body. The request has the variables that nginx sends with\n"
     "conf/nginx.conf, and the plugin is called as by a worker, from create() to destroy(), but with this process's\n"
     "user, limits and environment: to gdb, valgrind and sanitizers it is just a program. The body of the response\n"
     "goes to standard output; what the plugin prints and logs, and failures with their reason, to standard error.\n"
     "Exit status: 0 for a status below 500; 1 for any other end; 2 for a wrong command line.\n",
     2, 3},
    {"inspect", "PLUGIN.so", "says what a plugin's file tells of itself, without running any of its code",
     kInspectOptions,
     "Name, versions, build id, libraries and where they are found; also of a plugin for another machine.\n"
     "Exit status: 0; 1 with the reason if the file is no plugin.\n"},
    {"new", "NAME", "makes a folder NAME with a plugin that builds, has a unit test, and can be served", kNewOptions,
     "NAME begins with a letter and has no others than a-z, 0-9, _ and -. README.md in the folder says how to go on.\n"
     "Exit status: 0; 1 with the reason if there is such a folder already or it cannot be made; 2 for a wrong\n"
     "command line.\n"},
    {"help", "", "prints this, or with the name of a command what there is to know of it", {}, ""},
};

constexpr Option kCommonOptions[] = {
    {.name = "help", .meaning = "print how forklift, or a command, is used", .letter = 'h'},
    {.name = "version",
     .meaning = "print the versions of the server, of its plugin API and of its libraries",
     .letter = 'V'},
};

}  // namespace

std::span<const Command> all_commands() {
  return kCommands;
}

std::span<const Option> common_options() {
  return kCommonOptions;
}

const Command* find_command(std::string_view name) {
  const auto found = std::ranges::find(kCommands, name, &Command::name);
  return found == std::end(kCommands) ? nullptr : found;
}

std::string written(const Option& option) {
  const std::string letter = option.letter ? fmt::format("-{}, ", option.letter) : "";
  return fmt::format("{}--{}{}{}", letter, option.name, option.value.empty() ? "" : " ", option.value);
}

std::string explain_unknown_command(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Command& command : kCommands) names.push_back(command.name);
  const std::string unknown = fmt::format("unknown command {}", quote(name, 60));
  if (const auto near = config::nearest(name, names); !near.empty()) {
    return fmt::format("{}; did you mean \"{}\"?", unknown, near);
  }
  return fmt::format("{}; there are {}", unknown, fmt::join(names, ", "));
}

}  // namespace forklift::cli
