#include "storm/visit.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "harness/scgi_request.h"

namespace harness {
namespace {

// Longer than everything that a storm's server lets a request wait for, on a busy machine.
constexpr milliseconds kStormPatience = seconds(30);

ScgiRequest told(std::string_view what, std::uint32_t id, std::string_view method = "GET") {
  return ScgiRequest(std::string(method), fmt::format("/{}", id)).add("HTTP_X_DO", std::string(what));
}

template <const char* what>
Response do_as_told(const Endpoint& endpoint, std::uint32_t id) {
  return fetch(endpoint, told(what, id), kStormPatience);
}

constexpr char kPage[] = "page";
constexpr char kLong[] = "long";
constexpr char kFork[] = "fork";
constexpr char kFail[] = "fail";
constexpr char kThrow[] = "throw";
constexpr char kExit[] = "exit";
constexpr char kDie[] = "die";
constexpr char kDieLate[] = "die_late";
constexpr char kHang[] = "hang";

Response upload(const Endpoint& endpoint, std::uint32_t id) {
  return fetch(endpoint, told("read", id, "POST").with_body(pattern_body(60'000)), kStormPatience);
}

Response upload_too_much(const Endpoint& endpoint, std::uint32_t id) {
  return fetch(endpoint, told("read", id, "POST").with_body(pattern_body(70'000)), kStormPatience);
}

Response close_half(const Endpoint& endpoint, std::uint32_t id) {
  Connection connection = Connection::to(endpoint);
  const ScgiRequest request = told("page", id);
  connection.send(request.head());
  connection.shut_down_sending();
  return connection.receive(request.reader(), kStormPatience);
}

// Above limits.head.
Response send_too_long_a_head(const Endpoint& endpoint, std::uint32_t id) {
  return fetch(endpoint, told("page", id).add("HTTP_X_LONG", std::string(10'000, 'x')), kStormPatience);
}

Response break_off(const Endpoint& endpoint, std::uint32_t id) {
  Connection connection = Connection::to(endpoint);
  const ScgiRequest request = told("read", id, "POST").promise(1000);
  connection.send(request.head() + "less than that");
  connection.shut_down_sending();
  return connection.receive(request.reader(), kStormPatience);
}

Response stall(const Endpoint& endpoint, std::uint32_t id) {
  Connection connection = Connection::to(endpoint);
  const ScgiRequest request = told("read", id, "POST").promise(1000);
  connection.send(request.head() + "less than that");
  return connection.receive(request.reader(), kStormPatience);
}

Response dribble(const Endpoint& endpoint, std::uint32_t id) {
  Connection connection = Connection::to(endpoint);
  const ScgiRequest request = told("page", id);
  connection.send(request.head().substr(0, 20));
  return connection.receive(request.reader(), kStormPatience);
}

Response speak_http(const Endpoint& endpoint, std::uint32_t id) {
  Connection connection = Connection::to(endpoint);
  connection.send(fmt::format("GET /{} HTTP/1.1\r\n\r\n", id));
  return connection.receive(ResponseReader(Dialect::kScgi, "GET"), kStormPatience);
}

Response stay_silent(const Endpoint& endpoint, std::uint32_t) {
  Connection::to(endpoint).close();
  return {};
}

Response leave_at_once(const Endpoint& endpoint, std::uint32_t id) {
  Connection connection = Connection::to(endpoint);
  connection.send(told("page", id).head());
  connection.reset();
  return {};
}

Response leave_midway(const Endpoint& endpoint, std::uint32_t id) {
  Connection connection = Connection::to(endpoint);
  connection.send(told("stream", id).head());
  const Deadline deadline(kStormPatience);
  Response response;
  if (connection.receive_some(1000, kStormPatience).empty() && deadline.passed()) response.outcome = Outcome::kTimeout;
  connection.reset();
  return response;
}

// Reads nothing until the server has given up.
Response stop_reading(const Endpoint& endpoint, std::uint32_t id) {
  Connection connection = Connection::to(endpoint);
  const ScgiRequest request = told("stream", id);
  connection.send(request.head());
  pollfd entry{connection.fd(), POLLRDHUP, 0};
  const Deadline deadline(kStormPatience);
  while (poll(&entry, 1, deadline.poll_timeout()) < 0) continue;
  return connection.receive(request.reader([](std::string_view) {}), kStormPatience);
}

using Told = Right::Told;

constexpr Right page(std::uint64_t more_bytes = 0) {
  return {Right::Outcome::kAnswered, 200, Told::kNothing, std::string_view("page\n").size() + more_bytes};
}
constexpr Right answered(int status, Told told) {
  return {Right::Outcome::kAnswered, status, told};
}
constexpr Right aborted(Told told) {
  return {Right::Outcome::kAborted, 200, told};
}
constexpr Right kUnseen{Right::Outcome::kUnseen, 0};

constexpr Visit kVisits[] = {
    {"page", 400, page(), Lines::kOwn, do_as_told<kPage>},
    {"long page", 60, page(20 * 16 * 1024), Lines::kOwn, do_as_told<kLong>},
    {"upload", 100, page(), Lines::kOwn, upload},
    {"upload of too much", 20, answered(413, Told::kReason), Lines::kOwn, upload_too_much},
    {"child keeps the connection", 10, page(), Lines::kOwn, do_as_told<kFork>},
    {"plugin fails", 40, answered(500, Told::kReason), Lines::kOwn, do_as_told<kFail>},
    {"plugin throws", 40, answered(500, Told::kReason), Lines::kOwn, do_as_told<kThrow>},
    {"plugin exits", 20, answered(502, Told::kObituary), Lines::kOwn, do_as_told<kExit>},
    {"plugin dies", 40, answered(502, Told::kObituary), Lines::kOwn, do_as_told<kDie>},
    {"plugin dies late", 40, aborted(Told::kObituary), Lines::kOwn, do_as_told<kDieLate>},
    {"plugin hangs", 10, answered(504, Told::kObituary), Lines::kOwn, do_as_told<kHang>},
    {"body breaks off", 40, answered(400, Told::kReason), Lines::kOwn, break_off},
    {"body stalls", 10, answered(408, Told::kReason), Lines::kOwn, stall},
    {"head dribbles", 10, answered(408, Told::kNothing), Lines::kNameless, dribble},
    {"head is too long", 20, answered(431, Told::kNothing), Lines::kNameless, send_too_long_a_head},
    {"another protocol", 40, answered(400, Told::kNothing), Lines::kNameless, speak_http},
    {"client closes its half", 40, page(), Lines::kOwn, close_half},
    {"client is silent", 40, kUnseen, Lines::kNone, stay_silent},
    {"client leaves at once", 40, kUnseen, Lines::kAtMostOne, leave_at_once},
    {"client leaves midway", 40, kUnseen, Lines::kOwn, leave_midway},
    {"client stops reading", 10, aborted(Told::kReason), Lines::kOwn, stop_reading},
};

constexpr unsigned kWeights = std::accumulate(std::begin(kVisits), std::end(kVisits), 0U,
                                              [](unsigned sum, const Visit& visit) { return sum + visit.weight; });

}  // namespace

const Visit& visit_named(std::string_view name) {
  const auto found = std::ranges::find(kVisits, name, &Visit::name);
  if (found == std::end(kVisits)) throw std::logic_error(fmt::format("there is no visit \"{}\"", name));
  return *found;
}

const Visit& draw_visit(std::uint32_t random) {
  std::uint32_t left = random % kWeights;
  for (const Visit& visit : kVisits) {
    if (left < visit.weight) return visit;
    left -= visit.weight;
  }
  return kVisits[0];
}

}  // namespace harness
