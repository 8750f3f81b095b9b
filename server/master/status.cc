#include "master/status.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <sstream>

#include "base/quote.h"

namespace forklift::master {

namespace {

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr std::size_t kUriBytesMax = 500;

Object object() {
  return Object(Poco::JSON_PRESERVE_KEY_ORDER);
}

std::int64_t milliseconds_since(TimePoint begin, TimePoint now) {
  return std::chrono::duration_cast<milliseconds>(now - begin).count();
}

// nothing: it has none, or has not taken it yet.
Var describe_request(const WorkerSlot& slot, TimePoint now) {
  if (!slot.has_work() || slot.page.taken() != slot.lend_serial) return {};
  ipc::WordsCopy copy;
  const ipc::RequestWords words = slot.page.request(copy);
  Object made = object();
  made.set("method", escape(words.method));
  made.set("uri", escape(words.uri.substr(0, kUriBytesMax)));
  made.set("age_ms", milliseconds_since(slot.lent_at, now));
  made.set("deferred", slot.defers_since.has_value());
  return made;
}

Object describe_worker(const WorkerSlot& slot, TimePoint now) {
  Object made = object();
  made.set("pid", slot.pid);
  made.set("generation", slot.generation->number);
  made.set("state", std::string(to_string(slot.state)));
  if (slot.next_step) made.set("step", std::string(to_string(*slot.next_step)));
  made.set("requests", slot.requests);
  made.set("age_ms", milliseconds_since(slot.started, now));
  if (slot.memory_bytes > 0) made.set("memory", slot.memory_bytes);
  made.set("request", describe_request(slot, now));
  return made;
}

Object describe_queue(const App& app, TimePoint now) {
  Object made = object();
  const Connection* oldest = app.queue().front();
  made.set("length", app.queue().size());
  made.set("most", app.config().queue.length);
  made.set("oldest_ms", oldest ? milliseconds_since(oldest->queued, now) : 0);
  return made;
}

Object describe_counters(App& app) {
  const RequestCounters& requests = app.counters();
  const WorkerCounters workers = app.worker_counters();
  Object made = object();
  made.set("requests", requests.requests);
  for (std::size_t i = 2; i < requests.responses.size(); ++i) {
    made.set(fmt::format("responses_{}xx", i), requests.responses[i]);
  }
  made.set("client_left", requests.client_left);
  made.set("refused_503", requests.refused_503);
  made.set("forks", workers.forks);
  made.set("failed_starts", workers.failed_starts);
  made.set("crashes", workers.crashes);
  made.set("timeouts", workers.timeouts);
  return made;
}

// What its plugin counts for itself.
Array describe_stats(const App& app) {
  Array described;
  app.stats().for_each([&](const StatTotals::Total& total) {
    Object made = object();
    made.set("name", total.name);
    made.set("kind", std::string(total.kind == ipc::StatKind::kGauge ? "gauge" : "counter"));
    if (total.kind == ipc::StatKind::kGauge) {
      made.set("value", static_cast<std::int64_t>(total.value));
    } else {
      made.set("value", total.value);
    }
    made.set("help", escape(total.help));
    described.add(made);
  });
  return described;
}

Array describe_candidates_workers(const Reloads& reloads, std::string_view app, TimePoint now) {
  Array described;
  reloads.for_each_worker_of(app, [&](const WorkerSlot& slot) {
    if (slot.generation) described.add(describe_worker(slot, now));
  });
  return described;
}

// nothing: the backoff puts no start off.
Var describe_retry(App& app, TimePoint now) {
  const TimePoint at = app.pool().retry_at();
  return at > now ? Var(milliseconds_since(now, at)) : Var();
}

Object describe_app(App& app, const Doors& doors, const Reloads& reloads, TimePoint now) {
  Array listeners;
  for (const std::string& address : doors.addresses_of(app)) listeners.add(escape(address));
  Array workers;
  app.for_each_worker([&](const WorkerSlot& slot) {
    if (slot.generation) workers.add(describe_worker(slot, now));
  });
  // One that is leaving may have a namesake that is added again.
  if (!app.is_stopping()) {
    for (const Var& worker : describe_candidates_workers(reloads, app.name(), now)) workers.add(worker);
  }
  Object made = object();
  made.set("name", app.name());
  const bool is_leaving = app.is_stopping() && app.state() == AppState::kRunning;
  made.set("state", is_leaving ? "leaving" : std::string(to_string(app.state())));
  made.set("generation", app.pool().generation().number);
  made.set("plugin", escape(app.config().plugin));
  const PluginFacts& plugin = app.pool().generation().plugin;
  made.set("plugin_version", plugin.version);
  made.set("build_id", plugin.build_id);
  made.set("workers_max", app.config().workers.max);
  made.set("listeners", listeners);
  made.set("queue", describe_queue(app, now));
  made.set("connections", app.tally().connections);
  made.set("retry_ms", describe_retry(app, now));
  made.set("workers", workers);
  made.set("counters", describe_counters(app));
  made.set("stats", describe_stats(app));
  return made;
}

// nothing: none is under way, and none waits.
Var describe_reload(const Reloads& reloads, const std::vector<std::unique_ptr<App>>& apps, TimePoint now) {
  const auto begun = reloads.begun();
  if (!begun && reloads.waiting() == 0) return {};
  Array described;
  reloads.for_each_candidate([&](const Candidate& candidate, std::string_view waits_for) {
    Object one = object();
    one.set("app", candidate.app());
    one.set("generation", candidate.generation().number);
    one.set("waits_for", std::string(waits_for));
    const bool is_new = std::ranges::none_of(
        apps, [&](const auto& app) { return !app->is_stopping() && app->name() == candidate.app(); });
    if (is_new) one.set("workers", describe_candidates_workers(reloads, candidate.app(), now));
    described.add(one);
  });
  Object made = object();
  made.set("age_ms", begun ? Var(milliseconds_since(*begun, now)) : Var());
  made.set("waiting", reloads.waiting());
  made.set("apps", described);
  return made;
}

std::string iso(WallTime time) {
  std::string text;
  append_iso_time(text, time);
  return text;
}

}  // namespace

std::string describe_status(const ServerFacts& facts, const std::vector<std::unique_ptr<App>>& apps, const Doors& doors,
                            const Reloads& reloads) {
  const TimePoint now = Clock::now();
  Array described;
  for (const auto& app : apps) described.add(describe_app(*app, doors, reloads, now));
  Object made = object();
  made.set("version", std::string(facts.version));
  made.set("pid", ::getpid());
  made.set("since", iso(facts.since));
  made.set("state", std::string(facts.state));
  made.set("config", escape(facts.config));
  made.set("apps", described);
  made.set("reload", describe_reload(reloads, apps, now));
  made.set("last_reload",
           facts.last_reload.empty() ? Var() : Poco::JSON::Parser().parse(std::string(facts.last_reload)));
  std::ostringstream text;
  made.stringify(text);
  return text.str();
}

}  // namespace forklift::master
