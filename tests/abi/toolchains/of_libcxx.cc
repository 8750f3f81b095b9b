// Built with clang and libc++ (see CMakeLists.txt): its strings, its exceptions and its streams are others than the
// server's, which is built with gcc and libstdc++.
#include <forklift/plugin.hpp>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>

#ifndef _LIBCPP_VERSION
#error "this is a test of libc++"
#endif

class OfLibcxx : public forklift::Plugin {
 public:
  explicit OfLibcxx(const forklift::Host& host) {
    for (const auto& [name, node] : host.settings().entries())
      settings_[std::string(name)] = std::string(node.text(""));
    if (settings_.count("refuse") != 0) host.settings().refuse("refuse", "as it says: " + settings_["refuse"]);
  }

  void produce(const forklift::Env& env, forklift::Body& body, forklift::Out& out) override {
    const std::string uri(env["REQUEST_URI"]);
    if (uri == "/throw") throw std::runtime_error(std::string("thrown by libc++, ") + settings_["long"]);
    if (uri == "/error") (void)body.read_all(1);
    if (uri == "/int") throw 42;

    std::ostringstream page;
    try {
      (void)std::stoi(settings_.at("long"));
    } catch (const std::invalid_argument&) {
      page << "no number; ";
    }
    try {
      (void)settings_.at("nobody has said this");
    } catch (const std::out_of_range&) {
      page << "no setting; ";
    }
    for (const auto& [name, value] : settings_) page << name << "=" << value << ";";
    out.write("Content-Type: text/plain\n\n" + page.str());
  }

 private:
  std::map<std::string, std::string> settings_;
};

FORKLIFT_PLUGIN_CLASS(OfLibcxx, "of_libcxx", "1.0");
