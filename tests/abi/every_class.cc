// A plugin in C++ that instantiates all of plugin.hpp, inside a namespace, with a class that takes nothing and can't be
// moved.
#include <forklift/plugin.hpp>
#include <mutex>

namespace shop {

class Everything : public forklift::Plugin {
  // Where an author declares it is the author's affair.
  void produce(const forklift::Env& env, forklift::Body& body, forklift::Out& out) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<forklift::Header> headers;
    for (const auto& [name, value] : env) headers.push_back({name, value});
    out.begin(200, headers);
    out.begin(200, {});
    out.begin(204);
    out.alive();
    out.begin(200, {{"A", "b"}});
    out.begin(200, {{"A", "b"}, {"C", std::to_string(env.size())}});
    char buffer[16];
#if __cplusplus >= 202002L
    (void)body.read(buffer);
#endif
    while (body.read(buffer, sizeof buffer) > 0) out.write(buffer, sizeof buffer);
    if (body.try_read(buffer, sizeof buffer) == FORKLIFT_EAGAIN && out.try_write("x") == FORKLIFT_EAGAIN &&
        out.try_flush() == FORKLIFT_EAGAIN) {
      forklift_poll polls[1] = {{-1, 0, 0}};
      (void)out.wait(FORKLIFT_WAIT_BODY | FORKLIFT_WAIT_OUT);
      (void)out.wait(FORKLIFT_WAIT_OUT, polls, 1, std::chrono::seconds(1));
    }
    if (FORKLIFT_HAS(out.raw(), send_file)) out.send_file(0, 0, 1);
    out.write(env.get("REQUEST_URI").value_or(env["SCRIPT_NAME"]));
    out.write(body.read_all(10));
    out.flush();
  }

 private:
  std::mutex mutex_;
};

FORKLIFT_PLUGIN_CLASS(Everything, "everything", "1.0");

}  // namespace shop

// The settings, which the class above has no host for.
int every_setting(const forklift::Host& host);
int every_setting(const forklift::Host& host) {
  using namespace std::chrono_literals;
  const forklift::Settings& settings = host.settings();
  settings.only({"a", "b"});
  for (const auto& item : settings.items("a")) host.log(forklift::Level::kInfo, item.text("b"));
  for (const auto& [name, node] : settings.entries())
    host.log(forklift::Level::kDebug, node.path() + std::string(name));
  const auto sum = settings.integer("a") + settings.integer("a", 1) + settings.bytes("b") + settings.bytes("b", 1) +
                   settings.duration("c").count() + settings.duration("c", 1s).count();
  return sum != 0 && settings.boolean("d") && settings.boolean("d", true) && host.service("none/1") == nullptr ? 1 : 0;
}
