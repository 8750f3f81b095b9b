// A plugin that keeps what it was given, and uses it after its time; and the test of it, as its author would write it:
// kept_pointers.sh builds this with -fsanitize=address, where the first wrong use ends it.
//
//     keeps_pointers WHAT
#include <forklift/defer.h>
#include <forklift/plugin.h>

#include <cstdio>
#include <cstring>
#include <forklift/testing.hpp>
#include <string>

namespace {

std::string what;

struct Kept {
  const forklift_host* host = nullptr;
  const forklift_defer* defer = nullptr;
  const char* setting = nullptr;
  const forklift_env* env = nullptr;
  const forklift_variable* variables = nullptr;
  const char* value = nullptr;
  forklift_body* body = nullptr;
  forklift_out* out = nullptr;
} kept;

int create(const forklift_host* host, void** instance) {
  *instance = &kept;
  kept.host = host;
  kept.defer = static_cast<const forklift_defer*>(host->service(host, FORKLIFT_DEFER_ID));
  kept.setting = host->settings->get(host->settings, "title", nullptr);
  return kept.setting == nullptr ? 1 : 0;
}

void use_what_was_kept() {
  char byte = 0;
  if (what == "env") std::printf("%zu\n", kept.env->count);
  if (what == "variable") std::printf("%zu\n", kept.variables[0].name_size);
  if (what == "value") std::printf("%s\n", kept.value);
  if (what == "body") std::printf("%d\n", static_cast<int>(kept.body->read(kept.body, &byte, 1)));
  if (what == "out") std::printf("%d\n", kept.out->flush(kept.out));
  if (what == "setting") std::printf("%s\n", kept.setting);
  if (what == "service") std::printf("%d\n", kept.defer->version.minor);
  if (what == "host") kept.host->log(kept.host, FORKLIFT_LOG_INFO, "still here?");
}

int produce(void*, const forklift_env* env, forklift_body* body, forklift_out* out) {
  std::size_t size = 0;
  kept.env = env;
  kept.variables = env->variables;
  kept.value = env->get(env, "REQUEST_URI", &size);
  kept.body = body;
  kept.out = out;
  if (what == "behind") std::printf("%d\n", kept.value[size + 1]);
  if (what.substr(0, 9) == "deferred ") {
    what.erase(0, 9);
    kept.defer->after_response(
        kept.defer, [](void*) { use_what_was_kept(); }, nullptr);
  }
  static const char page[] = "Content-Type: text/plain\n\npage";
  return out->write(out, page, sizeof page - 1);
}

constexpr forklift_plugin kPlugin = {
    FORKLIFT_VERSION_OF(forklift_plugin), "keeps_pointers", "1.0", create, produce, nullptr, nullptr};

}  // namespace

int main(int count, char** words) {
  if (count > 1) what = words[1];
  {
    forklift::testing::Plugin plugin(&kPlugin, forklift::testing::Host("title=Books"));
    const forklift::testing::Response response = plugin.produce(forklift::testing::Request("/a/page"));
    if (!response.ok() || response.body != "page") return 2;
    if (what != "setting" && what != "service" && what != "host") use_what_was_kept();
  }
  use_what_was_kept();
  std::printf("nothing was seen\n");
  return 0;
}
