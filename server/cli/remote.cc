#include "cli/remote.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

#include "base/quote.h"
#include "base/signals.h"
#include "cli/conversation.h"
#include "cli/reload_report.h"
#include "cli/status_table.h"
#include "cli/terminal.h"
#include "config/locate.h"

namespace forklift::cli {

namespace {

constexpr Duration kStatusPatience = seconds(10);
// While a command is at work, the server says so every few seconds.
constexpr Duration kEventPatience = seconds(30);

// Ctrl-C while the command waits. The signal then ends it, as it ends every other.
void say_it_goes_on(int signal) {
  constexpr std::string_view kText = "\nforklift: what the server was asked for goes on; see `forklift status`\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText.data(), kText.size());
  ::raise(signal);
}

// In a folder that was removed there is no absolute path, and the relative one leads nowhere.
std::string absolute(const std::string& path) {
  std::error_code error;
  const std::string whole = std::filesystem::absolute(path, error).string();
  return error ? path : whole;
}

// Whoever reads may have gone; that is no reason to fail.
class Remote {
 public:
  explicit Remote(const Arguments& arguments) : arguments_(arguments), name_(arguments.command->name) {}

  int run() {
    const auto given = arguments_.value("control");
    if (given && given->empty()) {
      complain(fmt::format("forklift: {}: --control needs the path of a socket; try forklift --help\n", name_));
      return kUsage;
    }
    const std::string path = given ? absolute(*given) : config::locate_control(arguments_.operand());
    auto begun = Conversation::begin(path, request());
    if (!begun) return refuse_socket(path, begun.error().message(), given.has_value());
    return name_ == "status" ? tell_status(*begun) : follow(*begun);
  }

 private:
  int refuse_socket(const std::string& path, std::string_view why, bool given) const {
    if (given) return refuse(fmt::format("{}: {}", escape(path), why));
    constexpr std::string_view kNext = "--control names the socket where it is another one";
    const std::string file = arguments_.operand();
    if (::access(file.c_str(), F_OK) == 0) return refuse(fmt::format("{}: {}; {}", escape(path), why, kNext));
    const int code = errno;
    refuse(
        fmt::format("{}: {}; without it the control socket is {}", escape(file), describe_errno(code), escape(path)));
    return refuse(fmt::format("{}; {}", why, kNext));
  }

  std::string request() const {
    const auto app = arguments_.value("app");
    return fmt::format("{{\"command\":\"{}\"{}}}", name_, app ? fmt::format(",\"app\":\"{}\"", json_escape(*app)) : "");
  }

  int refuse(std::string_view why) const {
    complain(fmt::format("forklift: {}: {}\n", name_, why));
    return kFailed;
  }

  int tell_status(Conversation& conversation) const {
    const auto line = conversation.next_line(kStatusPatience);
    if (!line) return refuse(line.error().message());
    if (!*line) return refuse("the server has ended before it answered");
    const auto document = parse_object(**line);
    if (!document) return refuse(document.error().message());
    if (text_of(*document, "event") == "error") return refuse(escape_controls(text_of(*document, "text")));
    return tell(arguments_.has("json") ? **line + "\n" : status_table(*document));
  }

  // Until the server says how it went, or ends.
  int follow(Conversation& conversation) const {
    bool stopping = false;
    while (true) {
      const auto line = conversation.next_line(kEventPatience);
      if (!line) return refuse(line.error().message());
      if (!*line) return stopping ? static_cast<int>(kOk) : refuse("the server has ended before it answered");
      const auto event = parse_object(**line);
      if (!event) return refuse(event.error().message());
      const std::string kind = text_of(*event, "event");
      if (kind == "error") return refuse(escape_controls(text_of(*event, "text")));
      if (kind == "finished") return conclude(describe_finished(*event));
      if (kind == "stopping") stopping = true;
      if (kind == "progress" && ::isatty(STDOUT_FILENO) == 1) tell(describe_progress(*event) + "\n");
    }
  }

  static int conclude(const ReloadReport& report) {
    complain(report.problems);
    return tell(report.text) == kOk && report.ok ? kOk : kFailed;
  }

  const Arguments& arguments_;
  const std::string_view name_;
};

}  // namespace

int remote(const Arguments& arguments) {
  restore_signals();
  if (arguments.command->name != "status") {
    struct sigaction action {};
    action.sa_handler = say_it_goes_on;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
    ::sigaction(SIGINT, &action, nullptr);
  }
  return Remote(arguments).run();
}

}  // namespace forklift::cli
