// All of forklift/testing.hpp, in a plugin that is its own host: what an author's test compiles.
#include <forklift/plugin.hpp>
#include <forklift/testing.hpp>

namespace {

class Guest : public forklift::Plugin {
  void produce(const forklift::Env& env, forklift::Body& body, forklift::Out& out) override {
    out.begin(200, {{"Content-Type", "text/plain"}});
    out.write(env["REQUEST_URI"]);
    out.write(body.read_all(100));
  }
};

}  // namespace

FORKLIFT_PLUGIN_CLASS(Guest, "guest", "1.0");

int every_function();
int every_function() {
  using namespace forklift::testing;
  Plugin linked;
  Plugin with_settings("a=b", std::string("c[0].d=e"));
  Plugin moved(std::move(with_settings));
  Plugin with_host(Host("a=b").app("shop").generation(2).service("none/1", nullptr).set("x", "y"));
  Plugin loaded = Plugin::load("./x.so", "a=b");
  Plugin again = Plugin::load("./x.so", Host{{"a", "b"}, {"c", "d"}});
  Plugin described(forklift_plugin_v1(), Host(Settings().list("l").map("m").set("n", "o")));
  const Response page = linked.produce();
  const Response form = moved.produce(Request("POST", "/a%20b?c=d")
                                          .header("Cookie", "a")
                                          .variable("REMOTE_USER", "me")
                                          .without("SCGI")
                                          .body("x=y", "text/plain")
                                          .body_in_pieces_of(1)
                                          .response_in_pieces_of(1)
                                          .patience(std::chrono::milliseconds(1)));
  (void)moved.produce(Request::of({{"A", "b"}}).body(1000, "x").body_breaks_off_after(1).client_stalls_after(3));
  (void)moved.produce(Request("/").body_stalls_after(1).client_leaves_after(1).response_fails_with(FORKLIFT_EGONE));
  (void)moved.produce(Request().client_leaves_after_sending(1).give_body_to([](std::string_view) {}));
  const Refused refused = refusal([] { Plugin third; });
  described.destroy();
  const EnvTable env{{"A", "b"}};
  const SettingsTable settings{{"A", "b"}};
  const HostTable host(Host{{"A", "b"}});
  return page.ok() && form.header("X") == "y" && form.count("X") == 1 && !refused.setting && described.log().empty() &&
                 env.count == 1 && settings.kind(&settings, "") != 0 && host.generation == 1 && loaded.instance() &&
                 again.descriptor().name && page.log != form.log
             ? 1
             : 0;
}
