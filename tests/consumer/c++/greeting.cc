// Greets, as its settings say.
#include <forklift/plugin.hpp>
#include <string>

class Greeting : public forklift::Plugin {
 public:
  explicit Greeting(const forklift::Host& host) : name_(host.settings().text("name", "world")) {
    host.settings().only({"name"});
  }

  void produce(const forklift::Env&, forklift::Body&, forklift::Out& out) override {
    out.begin(200, {{"Content-Type", "text/plain"}});
    out.write("Hello, " + name_);
  }

 private:
  std::string name_;
};

FORKLIFT_PLUGIN_CLASS(Greeting, "greeting", "1.0");
