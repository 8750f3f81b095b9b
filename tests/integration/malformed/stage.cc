#include "malformed/stage.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <iterator>
#include <sstream>

#include "harness/connection.h"
#include "harness/scgi_request.h"

namespace harness {
namespace {

using Client = Entry::Client;

constexpr std::string_view kLimits = "limits: {head: 8K, body: 1K}\n";

// Nothing is learned from more pieces, and they take time.
constexpr std::size_t kMostPieces = 2000;

App app(const std::string& name, std::string_view more) {
  return {.name = name,
          .plugin = fixture_file("repeats_request"),
          .listen = {"127.0.0.1:0", fmt::format("unix:{}.sock", name)},
          .more = fmt::format("{}{}", kLimits, more)};
}

void send(Connection& connection, const Entry& entry, Sending sending) {
  // The pieces are to arrive as such.
  const int on = 1;
  setsockopt(connection.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // A server that answers early may take no more, which is its right.
  connection.send_in_pieces(entry.bytes, sending == Sending::kBytewise ? 1 : entry.bytes.size());
  if (entry.client == Client::kHalfCloses) connection.shut_down_sending();
}

void expect_answer(Connection& connection, const Entry& entry, bool is_unix) {
  const Response response = connection.receive(ResponseReader(Dialect::kScgi, "GET"), 2 * kPatience);
  EXPECT_EQ(response.raw_head + response.body, entry.answer) << response;
  EXPECT_EQ(response.problem, "");
  EXPECT_NE(response.ending, Ending::kTimeout);
  // A Unix socket that is closed with a part of a head unread ends with a reset, which is no less quiet.
  const bool may_be_reset = is_unix && entry.answer.empty();
  EXPECT_TRUE(response.ending == entry.ending || may_be_reset) << response;
}

// Replaces the digits (and the point) between `before` and `after`, wherever they stand.
void replace_number(std::string& line, std::string_view before, std::string_view after, std::string_view by) {
  for (std::size_t at = line.find(before); at != line.npos; at = line.find(before, at + 1)) {
    const std::size_t begin = at + before.size();
    const std::size_t end = std::min(line.find_first_not_of("0123456789.", begin), line.size());
    if (end > begin && line.compare(end, after.size(), after) == 0) line.replace(begin, end - begin, by);
  }
}

// Level, app and message of a line, without what is different every time.
std::string normalise(std::string_view line) {
  std::string message(line.substr(std::min(line.find(' ') + 1, line.size())));
  replace_number(message, " worker ", ":", "PID");
  replace_number(message, " after ", " s ", "T");
  return message;
}

// The worker may not have said DONE of one request when the next one is there.
bool is_about_load(std::string_view line) {
  return line.find("its only worker is busy (workers.max)") != line.npos;
}

// How much of a request had arrived when it was refused depends on how the pieces have travelled.
std::string without_bytes(const std::string& line) {
  return line.substr(0, line.find(" got \""));
}

std::vector<std::string> in_order(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string trace(const Entry& entry, std::size_t socket) {
  return entry.name + (socket == 0 ? ", TCP" : ", Unix");
}

}  // namespace

Stage::Stage()
    : server_({app("quick", "workers: {min: 1, max: 1}\n"),
               app("held", "workers: {min: 4, max: 4}\ntimeouts: {head: 2s, body: 2s}\n")}) {
  server_.start();
  log_.open(server_.folder() / "log");
  await_lines("start", 0);
}

void Stage::play(const std::vector<Entry>& corpus, Sending sending) {
  std::vector<Entry> together;
  for (const Entry& entry : corpus) {
    const bool holds = entry.client == Client::kHolds;
    if (sending == Sending::kBytewise && (entry.bytes.size() > kMostPieces || holds)) continue;
    for (const std::string& line : entry.lines) {
      const std::size_t message = line.find("PID: ");
      if (line.starts_with("error")) server_.expect_error(line.substr(message == line.npos ? 0 : message + 3));
    }
    if (holds) {
      together.push_back(entry);
    } else {
      play_in_turn(entry, sending);
    }
  }
  if (!together.empty()) play_together(together);
}

void Stage::play_in_turn(const Entry& entry, Sending sending) {
  for (const std::size_t socket : {0, 1}) {
    SCOPED_TRACE(trace(entry, socket));
    Connection connection = Connection::to(server_.listener("quick", socket));
    send(connection, entry, sending);
    if (entry.client != Client::kCloses) expect_answer(connection, entry, socket == 1);
    connection.close();
    std::vector<std::string> found = await_lines(entry.name, entry.lines.size());
    lines_.insert(lines_.end(), found.begin(), found.end());
    std::vector<std::string> expected = entry.lines;
    if (sending == Sending::kBytewise) {
      std::transform(expected.begin(), expected.end(), expected.begin(), without_bytes);
      std::transform(found.begin(), found.end(), found.begin(), without_bytes);
    }
    EXPECT_EQ(found, expected);
  }
}

void Stage::play_together(const std::vector<Entry>& corpus) {
  std::vector<Connection> connections;
  std::vector<std::string> expected;
  for (const Entry& entry : corpus) {
    for (const std::size_t socket : {0, 1}) {
      connections.push_back(Connection::to(server_.listener("held", socket)));
      send(connections.back(), entry, Sending::kWhole);
      expected.insert(expected.end(), entry.lines.begin(), entry.lines.end());
    }
  }
  auto connection = connections.begin();
  for (const Entry& entry : corpus) {
    for (const std::size_t socket : {0, 1}) {
      SCOPED_TRACE(trace(entry, socket));
      expect_answer(*connection++, entry, socket == 1);
    }
  }
  // They come from several workers, and from timers of the same time.
  const std::vector<std::string> found = in_order(await_lines("together", expected.size()));
  lines_.insert(lines_.end(), found.begin(), found.end());
  EXPECT_EQ(found, in_order(expected));
}

// The lines that have come since the last call: at least `count`, if they come at all. Then a request of ours has the
// worker of `quick` write a line behind all of them, so that none is overlooked.
std::vector<std::string> Stage::await_lines(const std::string& name, std::size_t count) {
  constexpr milliseconds kPause(1);
  const auto have_come = [&] { return read_log(), unclaimed_.size() >= count; };
  eventually(have_come, kPatience, kPause);

  const std::string uri = fmt::format("/mark/{}", name);
  EXPECT_TRUE(fetch(server_.listener("quick"), ScgiRequest::get(uri).set("SCGI", "mark")).complete(400));
  const auto is_mark = [&](const std::string& line) { return line.find('"' + uri + '"') != line.npos; };
  auto mark = unclaimed_.end();
  const auto has_come = [&] {
    read_log();
    mark = std::find_if(unclaimed_.begin(), unclaimed_.end(), is_mark);
    return mark != unclaimed_.end();
  };
  EXPECT_TRUE(eventually(has_come, kPatience, kPause)) << "the log has no mark " << name;
  std::vector<std::string> lines(unclaimed_.begin(), mark);
  unclaimed_.erase(unclaimed_.begin(), mark == unclaimed_.end() ? mark : mark + 1);
  return lines;
}

// Takes the lines that are whole; of one that is not, the beginning is read again.
void Stage::read_log() {
  log_.clear();
  const auto begin = log_.tellg();
  const std::string text(std::istreambuf_iterator<char>(log_), {});
  const std::size_t whole = text.rfind('\n') + 1;  // 0 where there is none
  log_.clear();
  log_.seekg(begin + static_cast<std::streamoff>(whole));
  std::istringstream lines(text.substr(0, whole));
  for (std::string line; std::getline(lines, line);) {
    if (!is_about_load(line)) unclaimed_.push_back(normalise(line));
  }
}

}  // namespace harness
