#include "cli/status_table.h"

#include <fmt/format.h>

#include <vector>

#include "base/counted.h"
#include "base/quote.h"
#include "cli/table.h"

namespace forklift::cli {

namespace {

using Poco::JSON::Array;

std::string joined(const Array::Ptr& texts) {
  std::string line;
  for (std::size_t i = 0; i < texts->size(); ++i) {
    line += fmt::format("{}{}", line.empty() ? "" : " ", texts->get(static_cast<unsigned>(i)).toString());
  }
  return line;
}

std::string mebibytes(const Json& worker) {
  const double bytes = number_of(worker, "memory");
  return bytes > 0 ? fmt::format("{:.1f}M", bytes / (1024 * 1024)) : "-";
}

std::string work_of(const Json& worker) {
  const Json request = object_of(worker, "request");
  if (!request) return text_of(worker, "step");
  return fmt::format("{}{} {} ({})", truth_of(request, "deferred") ? "deferred work of " : "",
                     text_of(request, "method"), text_of(request, "uri"), format_age(number_of(request, "age_ms")));
}

// `2/5 +1`: two of workers.max, and one of another generation, or DRAINING.
std::string count_workers(const Json& app) {
  const auto workers = array_of(app, "workers");
  const std::string most = text_of(app, "workers_max");
  std::size_t own = 0;
  for (std::size_t i = 0; i < workers->size(); ++i) {
    const Json worker = item_of(workers, i);
    own += text_of(worker, "state") != "DRAINING" && text_of(worker, "generation") == text_of(app, "generation");
  }
  const std::size_t others = workers->size() - own;
  return fmt::format("{}/{}{}", own, most, others == 0 ? "" : fmt::format(" +{}", others));
}

Row row_of_app(const Json& app) {
  const Json queue = object_of(app, "queue");
  const Json counters = object_of(app, "counters");
  Row row{text_of(app, "name"),
          text_of(app, "state"),
          text_of(app, "generation"),
          describe_version(app),
          count_workers(app),
          fmt::format("{}/{}", text_of(queue, "length"), text_of(queue, "most")),
          format_age(number_of(queue, "oldest_ms")),
          text_of(app, "connections")};
  for (const char* name : {"requests", "responses_4xx", "responses_5xx", "refused_503", "crashes", "timeouts"}) {
    row.push_back(text_of(counters, name));
  }
  row.push_back(joined(array_of(app, "listeners")));
  return row;
}

Row row_of_worker(const std::string& app, const Json& worker) {
  return {app,
          text_of(worker, "pid"),
          text_of(worker, "generation"),
          text_of(worker, "state"),
          text_of(worker, "requests"),
          format_age(number_of(worker, "age_ms")),
          mebibytes(worker),
          work_of(worker)};
}

Row row_of_stat(const std::string& app, const Json& stat) {
  return {app, text_of(stat, "name"), text_of(stat, "kind"), text_of(stat, "value"), text_of(stat, "help")};
}

// A line, or empty where there is none.
std::string describe_reload(const Json& reload) {
  if (!reload) return "";
  const auto waiting = static_cast<std::uint64_t>(number_of(reload, "waiting"));
  if (text_of(reload, "age_ms").empty()) return fmt::format("{} waiting\n", counted(waiting, "reload"));
  std::string line = fmt::format("a reload is under way since {}", format_age(number_of(reload, "age_ms")));
  const auto apps = array_of(reload, "apps");
  for (std::size_t i = 0; i < apps->size(); ++i) {
    const Json app = item_of(apps, i);
    line += fmt::format("{} app \"{}\" generation {} waits for {}", i == 0 ? ":" : ",", text_of(app, "app"),
                        text_of(app, "generation"), text_of(app, "waits_for"));
  }
  if (waiting > 0) line += fmt::format("; {} more waiting", waiting);
  return escape_controls(line) + "\n";
}

}  // namespace

std::string format_age(double milliseconds) {
  const double seconds = milliseconds / 1000;
  if (milliseconds < 1000) return fmt::format("{:.0f}ms", milliseconds);
  if (seconds < 60) return fmt::format("{:.1f}s", seconds);
  if (seconds < 3600) return fmt::format("{}m", static_cast<long>(seconds) / 60);
  if (seconds < 48 * 3600) return fmt::format("{}h", static_cast<long>(seconds) / 3600);
  return fmt::format("{}d", static_cast<long>(seconds) / (24 * 3600));
}

std::string status_table(const Json& document) {
  std::vector<Row> apps{{"APP", "STATE", "GENERATION", "VERSION", "WORKERS", "QUEUE", "OLDEST", "CONNECTIONS",
                         "REQUESTS", "4xx", "5xx", "503", "CRASHES", "TIMEOUTS", "LISTENERS"}};
  std::vector<Row> workers{{"APP", "PID", "GENERATION", "STATE", "REQUESTS", "AGE", "MEMORY", "REQUEST"}};
  std::vector<Row> stats{{"APP", "STATISTIC", "KIND", "VALUE", "MEANING"}};
  const auto add_workers = [&](const Json& of, const char* name) {
    const auto listed = array_of(of, "workers");
    for (std::size_t i = 0; i < listed->size(); ++i) {
      workers.push_back(row_of_worker(text_of(of, name), item_of(listed, i)));
    }
  };
  const auto listed = array_of(document, "apps");
  for (std::size_t i = 0; i < listed->size(); ++i) {
    const Json app = item_of(listed, i);
    apps.push_back(row_of_app(app));
    add_workers(app, "name");
    const auto counted = array_of(app, "stats");
    for (std::size_t k = 0; k < counted->size(); ++k) {
      stats.push_back(row_of_stat(text_of(app, "name"), item_of(counted, k)));
    }
  }
  const Json reload = object_of(document, "reload");
  const auto reloading = array_of(reload, "apps");
  for (std::size_t i = 0; i < reloading->size(); ++i) add_workers(item_of(reloading, i), "app");
  const std::string state = text_of(document, "state");
  std::string text = escape_controls(fmt::format(
      "forklift {}, process {}: {}{} since {} from {}", text_of(document, "version"), text_of(document, "pid"), state,
      state == "stopping" ? ", has run" : "", text_of(document, "since"), text_of(document, "config")));
  if (const Json last = object_of(document, "last_reload")) {
    bool taken_back = false;
    const auto listed_last = array_of(last, "apps");
    for (std::size_t i = 0; i < listed_last->size(); ++i) {
      taken_back |= text_of(item_of(listed_last, i), "outcome") == "taken back";
    }
    text += fmt::format("; the last reload {}", truth_of(last, "ok") ? "went well"
                                                : taken_back         ? "was taken back"
                                                                     : "failed");
  }
  text += fmt::format("\n{}\n{}\n{}", describe_reload(reload), table(apps), table(workers));
  // Only where some plugin counts something.
  if (stats.size() > 1) text += "\n" + table(stats);
  return text;
}

}  // namespace forklift::cli
