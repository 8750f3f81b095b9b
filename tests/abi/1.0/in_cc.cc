// A plugin as it is written for API 1.0, in C++: what in_c.c does, by the classes of plugin.hpp. Never changed.
#include <forklift/plugin.hpp>
#include <stdexcept>
#include <string>
#include <vector>

class InCc : public forklift::Plugin {
 public:
  explicit InCc(const forklift::Host& host) : host_(host) {
    host.settings().only({"people"});
    for (const forklift::Settings& person : host.settings().items("people")) people_.emplace_back(person.text("name"));
    if (people_.size() != 2) host.settings().refuse("people", "must have two maps with a name");
    host_.log(forklift::Level::kInfo, "made for API 1.0");
  }
  ~InCc() override { host_.log(forklift::Level::kInfo, "destroyed"); }

  void produce(const forklift::Env& env, forklift::Body& body, forklift::Out& out) override {
    if (env["REQUEST_URI"] == "/fail") throw std::runtime_error("as it was told");
    const std::string text = body.read_all(16);
    out.begin(201, {{"Content-Type", "text/plain"}, {"X-App", host_.app()}});
    out.write(std::string(host_.app()) + " of generation " + std::to_string(host_.generation()) + " serves " +
              people_[1] + "\n");
    for (const auto& [name, value] : env) {
      if (name.substr(0, 8) == "REQUEST_") out.write(std::string(name).append("=").append(value) + "\n");
    }
    out.write(text);
    out.alive();
    out.flush();
    out.write("\n");
    while (out.try_flush() == FORKLIFT_EAGAIN) out.wait(FORKLIFT_WAIT_SENT);
    if (host_.service("nobody.has.this/1") != nullptr) throw std::logic_error("there is a service that nobody has");
  }

 private:
  const forklift::Host& host_;
  std::vector<std::string> people_;
};

FORKLIFT_PLUGIN_CLASS(InCc, "in_cc", "1.0");
