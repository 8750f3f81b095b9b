// A plugin in C++ that does what QUERY_STRING says: every way to leave produce(), and every call that can fail.
#include <pthread.h>

#include <array>
#include <forklift/plugin.hpp>
#include <memory>
#include <stdexcept>
#include <string>

class Misbehaving : public forklift::Plugin {
 public:
  explicit Misbehaving(const forklift::Host& host) : host_(host) {
    const std::string_view what = host.settings().text("create", "");
    if (what == "throw") throw std::runtime_error("no such table: orders");
    if (what == "int") throw 42;
    if (what == "refuse") host.settings().at("mounts[0]").refuse("at", "must begin with /");
    if (what == "error") throw forklift::Error(FORKLIFT_EIO, "opening the cache");
  }
  ~Misbehaving() override { host_.log(forklift::Level::kInfo, "destroyed"); }

  void produce(const forklift::Env& env, forklift::Body& body, forklift::Out& out) override {
    const std::string_view what = env["QUERY_STRING"];
    char buffer[8];
    if (what == "throw") throw std::runtime_error("out of stock");
    if (what == "int") throw 42;
    if (what == "setting") host_.settings().text("missing");
    if (what == "code 0") throw forklift::Error(FORKLIFT_OK, "an odd error");
    if (what == "cancel") cancel(host_);
    if (what == "read") body.read(buffer, sizeof buffer);
    if (what == "read_all") begin(out), out.write(body.read_all(10));
    if (what == "begin") out.begin(200, {});
    if (what == "begin twice") out.begin(200, {}), out.begin(200, {});
    if (what == "write") out.write("x");
    if (what == "flush") out.flush();
    if (what == "send_file") out.send_file(-1, 0, 1);
    if (what == "wait") out.wait(FORKLIFT_WAIT_OUT);
    if (what == "wait for the body") out.wait(FORKLIFT_WAIT_BODY);
    if (what == "wait long") out.wait(FORKLIFT_WAIT_BODY, std::chrono::hours(24 * 365));
    if (what == "try")
      out.raw()->fail(out.raw(), std::to_string(out.try_write("x") + body.try_read(buffer, 8) * 10).c_str());
    if (what == "try flush") out.raw()->fail(out.raw(), std::to_string(out.try_flush()).c_str());
    if (what == "nul") out.begin(200, {{"X-Evil", std::string_view("a\0b", 3)}});
    if (what == "headers") out.begin(404, {{"X-Long", std::string(5000, 'x')}, {"X-View", env["VIEW"].substr(1, 2)}});
    if (what == "env") begin(out), show(env, out);
    if (what == "log") host_.log(forklift::Level::kWarning, std::string("a\0b ", 4) + std::string(200, 'y'));
    if (what == "host") begin(out), out.write(std::string(host_.app()) + " " + std::to_string(host_.generation()));
  }

 private:
  static void begin(forklift::Out& out) { out.begin(200, {{"Content-Type", "text/plain"}}); }

  // What pthread_cancel does to a worker's thread, from inside. Objects on the way are destroyed.
  static void cancel(const forklift::Host& host) {
    struct Unwound {
      const forklift::Host& host;
      ~Unwound() { host.log(forklift::Level::kInfo, "unwound"); }
    } unwound{host};
    pthread_cancel(pthread_self());
    pthread_testcancel();
  }

  static void show(const forklift::Env& env, forklift::Out& out) {
    for (const auto [name, value] : env) out.write(std::string(name).append("=").append(value).append(";"));
    out.write(std::to_string(env.size()) + (env.get("NONE") ? " found" : " none"));
    out.write(env.get("EMPTY") && env["EMPTY"].empty() && env["NONE"].empty() ? " empty" : " not empty");
    out.write(env.get(std::string_view("EMPTY\0X", 7)) ? " cut off" : " whole");
    out.write(env.get(std::string(1000, 'N')) ? " long" : " short");
  }

  const forklift::Host& host_;
};

FORKLIFT_PLUGIN_CLASS(Misbehaving, "misbehaving", "3.1");
