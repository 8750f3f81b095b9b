// The same calls of a plugin, made once against forklift/testing.hpp and once against the worker's own code with a real
// connection, have to give the same results, the same response and the same lines in the log.
#pragma once

#include <forklift/testing.hpp>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "serving.h"

namespace forklift::worker {

namespace fake = ::forklift::testing;

// What deferred work has: outlives the request's Calls.
struct After {
  const forklift_defer* defer;
  std::string trace{};
};

// The calls of a script. Each leaves its result in the trace.
class Calls {
 public:
  Calls(const forklift_env* env, forklift_body* body, forklift_out* out, After& after, std::function<void()> arrival)
      : env_(env), body_(body), out_(out), after_(after), arrival_(std::move(arrival)) {}

  int begin(int status, const std::vector<forklift_header>& headers = {}) {
    return note("begin", out_->begin(out_, status, headers.data(), headers.size()));
  }
  int begin_raw(const forklift_header* headers, std::size_t count) {
    return note("begin", out_->begin(out_, 200, headers, count));
  }
  int write(std::string_view data) { return note("write", out_->write(out_, data.data(), data.size())); }
  std::int64_t try_write(std::string_view data) {
    return note("try_write", out_->try_write(out_, data.data(), data.size()));
  }
  int write_raw(const void* data, std::size_t size) { return note("write", out_->write(out_, data, size)); }
  std::int64_t try_write_raw(const void* data, std::size_t size) {
    return note("try_write", out_->try_write(out_, data, size));
  }
  int flush() { return note("flush", out_->flush(out_)); }
  int try_flush() { return note("try_flush", out_->try_flush(out_)); }
  int send_file(int fd, std::uint64_t offset, std::uint64_t length) {
    return note("send_file", out_->send_file(out_, fd, offset, length));
  }
  int wait(unsigned interest, int timeout_ms = 0) {
    return note("wait", out_->wait(out_, interest, nullptr, 0, timeout_ms));
  }
  int wait(unsigned interest, std::vector<forklift_poll>& polls, int timeout_ms) {
    const int result = note("wait", out_->wait(out_, interest, polls.data(), polls.size(), timeout_ms));
    for (const forklift_poll& poll : polls) note("revents", poll.revents);
    return result;
  }
  std::int64_t read(std::size_t size) { return read_with("read", body_->read, size); }
  std::int64_t try_read(std::size_t size) { return read_with("try_read", body_->try_read, size); }
  std::int64_t read_raw(void* buffer, std::size_t size) { return note("read", body_->read(body_, buffer, size)); }
  void fail(const char* reason) { out_->fail(out_, reason); }
  void alive() { out_->alive(out_); }
  // Puts off `work`, which leaves its results in what it gets.
  int put_off(std::function<void(After&)> work) {
    auto task = std::make_unique<Task>(Task{std::move(work), after_});
    const int result = note("after_response", after_.defer->after_response(after_.defer, Task::run, task.get()));
    if (result == FORKLIFT_OK) (void)task.release();  // Task::run's
    return result;
  }
  int put_off_raw(void (*work)(void*)) {
    return note("after_response", after_.defer->after_response(after_.defer, work, nullptr));
  }
  // The next piece of the body arrives now. testing.hpp knows by itself when that is.
  void arrival() {
    if (arrival_) arrival_();
  }
  // Writes until nothing more is taken: only how that ends is in the trace, for how much a connection takes differs.
  std::int64_t fill() { return note("fill", take_all()); }
  // Waits for room, and fills it, until there is none for too long: the kernel may find some yet.
  void fill_until_it_fails(unsigned interest) {
    int result = 0;
    while (result >= 0) {
      result = out_->wait(out_, interest, nullptr, 0, -1);
      if (result >= 0) (void)take_all();
    }
    note("filled", result);
  }

  const forklift_env* env() const { return env_; }
  forklift_body* body() const { return body_; }

  template <typename Result>
  Result note(const std::string& what, Result result) {
    trace_ += what + " " + std::to_string(result) + "; ";
    return result;
  }
  void note_text(std::string_view text) { trace_.append(text).append("; "); }
  const std::string& trace() const { return trace_; }

 private:
  struct Task {
    std::function<void(After&)> work;
    After& after;

    static void run(void* data) {
      const std::unique_ptr<Task> task(static_cast<Task*>(data));
      task->work(task->after);
    }
  };

  std::int64_t take_all() {
    const std::string piece(10'000, 'x');
    std::int64_t result = 0;
    while (result >= 0) result = out_->try_write(out_, piece.data(), piece.size());
    return result;
  }

  std::int64_t read_with(const char* name, decltype(forklift_body::read) function, std::size_t size) {
    std::string buffer(size, '?');
    const std::int64_t count = note(name, function(body_, buffer.data(), size));
    if (count > 0) note_text(buffer.substr(0, static_cast<std::size_t>(count)));
    return count;
  }

  const forklift_env* env_;
  forklift_body* body_;
  forklift_out* out_;
  After& after_;
  std::function<void()> arrival_;
  std::string trace_;
};

// What a plugin does with a request; the result is produce()'s.
using Script = std::function<int(Calls&)>;

// All that can be seen of a request.
struct Outcome {
  std::string trace;
  std::string after;  // that of deferred work
  std::size_t deferred = 0;
  int status = 0;
  std::string phrase;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool complete = false;
  bool client_gone = false;
  std::vector<std::string> log;

  bool operator==(const Outcome&) const = default;
};
inline std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  out << "\n  trace: " << outcome.trace << "\n  after " << outcome.deferred << " works: " << outcome.after
      << "\n  status: " << outcome.status << " " << outcome.phrase;
  for (const auto& [name, value] : outcome.headers) out << "\n  " << name << ": " << value.substr(0, 100);
  out << "\n  body: " << outcome.body.size() << " bytes, " << outcome.body.substr(0, 100);
  out << "\n  complete: " << outcome.complete << ", client gone: " << outcome.client_gone;
  for (const std::string& line : outcome.log) out << "\n  " << line.substr(0, 300);
  return out << "\n";
}

// How the real client does what the request says of it.
struct Scene {
  fake::Request request{};
  // Of the body, these bytes come with the head; then the others, one an arrival.
  std::string along{};
  std::vector<std::string> pieces{};
  enum class End { kStays, kHalfCloses, kCloses, kResets } end = End::kStays;  // behind the last of them
  bool narrow = false;                                                         // and reads nothing
};

class Conformance : public ServeTest {
 protected:
  static constexpr milliseconds kPatience{20};

  // What is on both sides.
  void expect_same(Scene scene, const Script& script) {
    scene.request.patience(kPatience);
    const Outcome expected = really(scene, script);
    const Outcome found = pretended(scene.request, script);
    EXPECT_EQ(found, expected) << "the first is forklift/testing.hpp, the second the server";
  }
  // For a response that is cut off somewhere.
  void expect_same_but_for_the_page(Scene scene, const Script& script) {
    scene.request.patience(kPatience);
    Outcome expected = really(scene, script);
    const Outcome found = pretended(scene.request, script);
    expected.body = found.body;
    EXPECT_EQ(found, expected) << "the first is forklift/testing.hpp, the second the server";
    EXPECT_FALSE(expected.complete);
  }
  void expect_same(const Script& script, std::string_view method = "GET") {
    expect_same(Scene{.request = fake::Request(method, "/x")}, script);
  }
  // A request with a body that is there as a whole.
  void expect_same_with_body(const std::string& body, const Script& script) {
    expect_same(Scene{.request = fake::Request("POST", "/x").body(body), .along = body}, script);
  }

 private:
  Outcome pretended(const fake::Request& request, const Script& script) {
    Outcome outcome;
    struct State {
      const Script& script;
      std::string& trace;
      After after{nullptr};
    } state{script, outcome.trace};
    forklift_plugin plugin{};
    plugin.version = FORKLIFT_VERSION_OF(forklift_plugin);
    plugin.name = "script";
    plugin.create = [](const forklift_host* host, void** instance) {
      auto* const made = static_cast<State*>(const_cast<void*>(host->service(host, "state/1")));
      made->after.defer = static_cast<const forklift_defer*>(host->service(host, FORKLIFT_DEFER_ID));
      *instance = made;
      return 0;
    };
    plugin.produce = [](void* instance, const forklift_env* env, forklift_body* body, forklift_out* out) {
      State& self = *static_cast<State*>(instance);
      Calls calls(env, body, out, self.after, {});
      const int result = self.script(calls);
      self.trace = calls.trace();
      return result;
    };
    const fake::Response response = fake::Plugin(&plugin, fake::Host().service("state/1", &state)).produce(request);
    outcome.after = state.after.trace;
    outcome.deferred = response.deferred;
    outcome.status = response.status;
    outcome.phrase = response.phrase;
    outcome.headers = response.headers;
    outcome.body = response.body;
    outcome.complete = response.complete;
    outcome.client_gone = response.client_gone;
    for (const auto& [level, text] : response.log) {
      outcome.log.push_back(std::string(log::to_string(static_cast<log::Level>(level))) + ": " + text);
    }
    return outcome;
  }

  Outcome really(const Scene& scene, const Script& script) {
    Outcome outcome;
    line_ = Line(GetParam());
    auto page = ipc::SharedPage::create();
    EXPECT_TRUE(page);
    page_ = std::move(*page);
    log_.clear();
    app_.timeouts.body = app_.timeouts.write = kPatience;
    app_.limits.body_rate = 0;
    if (scene.narrow) line_.narrow();

    Lent lent = lend(protocol::head_of(scene.request.variables()), scene.along);
    std::size_t next = 0;
    const auto arrival = [&] {
      if (next < scene.pieces.size()) line_.send(scene.pieces[next++]);
      if (next == scene.pieces.size()) end(scene.end);
    };
    if (scene.pieces.empty()) end(scene.end);
    plugin::DeferredWork deferred;
    After after{deferred.table()};
    work_ = [&](const forklift_env* env, forklift_body* body, forklift_out* out) {
      Calls calls(env, body, out, after, arrival);
      const int result = script(calls);
      outcome.trace = calls.trace();
      return result;
    };
    Server server(app_, plugin_, static_cast<ServeTest*>(this), page_, &deferred);
    const ipc::Done done = server.serve(std::move(lent));
    outcome.deferred = deferred.works().size();
    if (done.defers != 0) server.run_deferred();
    outcome.after = after.trace;
    outcome.client_gone = done.client_gone != 0;
    outcome.log = log_;
    if (scene.end == Scene::End::kCloses || scene.end == Scene::End::kResets) return outcome;
    const Page got = client_sees(done);
    outcome.complete = done.ending != ipc::Ending::kAbort && !got.reset;
    parse(got.bytes, outcome);
    return outcome;
  }

  void end(Scene::End how) {
    if (how == Scene::End::kHalfCloses) line_.half_close();
    if (how == Scene::End::kCloses) line_.close();
    if (how == Scene::End::kResets) line_.reset();
  }

  static void parse(std::string_view bytes, Outcome& outcome) {
    const std::size_t head_end = bytes.find("\r\n\r\n");
    if (head_end == bytes.npos) return;
    outcome.body = bytes.substr(head_end + 4);
    std::string_view head = bytes.substr(0, head_end + 2);
    while (!head.empty()) {
      const std::size_t line_end = head.find("\r\n");
      const std::size_t colon = head.find(": ");
      const std::string name(head.substr(0, colon));
      const std::string value(head.substr(colon + 2, line_end - colon - 2));
      if (name == "Status") {
        outcome.status = std::stoi(value);
        outcome.phrase = value.substr(4);
      } else {
        outcome.headers.emplace_back(name, value);
      }
      head.remove_prefix(line_end + 2);
    }
  }
};

}  // namespace forklift::worker
