// @NAME@: a Forklift plugin. forklift/plugin.hpp and the headers that it includes say of every function what it does and
// what it throws; forklift/plugin.h, which it wraps, who may call it and how long everything lives.
#include <forklift/plugin.hpp>

#include <string>

// One object a worker. Each worker is a process with its own.
class @CLASS@ : public forklift::Plugin {
 public:
  // Before the first request. A SettingError is told with the file, line and column of the setting.
  explicit @CLASS@(const forklift::Host& host) : greeting_(host.settings().text("greeting", "Hello")) {
    host.settings().only({"greeting"});
    if (greeting_.empty()) throw forklift::SettingError("greeting", "must not be empty");
  }

  // Once a request. What is not read of the body is thrown away.
  void produce(const forklift::Env& env, forklift::Body&, forklift::Out& out) override {
    if (env["DOCUMENT_URI"] != "/") {
      out.begin(404, {{"Content-Type", "text/plain; charset=utf-8"}});
      out.write("There is no such page.\n");
      return;
    }
    out.begin(200, {{"Content-Type", "text/plain; charset=utf-8"}});
    out.write(greeting_ + ", request " + std::to_string(++requests_) + " of this worker\n");
  }

 private:
  std::string greeting_;
  unsigned long requests_ = 0;
};

FORKLIFT_PLUGIN_CLASS(@CLASS@, "@NAME@", "1.0");
