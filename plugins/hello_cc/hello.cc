// The smallest plugin in C++, with a setting:
//
//     settings: { greeting: Hello }
#include <forklift/plugin.hpp>

#include <string>

class Hello : public forklift::Plugin {
 public:
  explicit Hello(const forklift::Host& host) : greeting_(host.settings().text("greeting", "Hello")) {
    host.settings().only({"greeting"});
  }

  void produce(const forklift::Env&, forklift::Body&, forklift::Out& out) override {
    out.begin(200, {{"Content-Type", "text/plain; charset=utf-8"}});
    out.write(greeting_ + ", world\n");
  }

 private:
  std::string greeting_;
};

FORKLIFT_PLUGIN_CLASS(Hello, "hello_cc", "1.0");
