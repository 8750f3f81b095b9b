#include <forklift/plugin.h>

namespace {

int create(const forklift_host*, void**) {
  throw 42;
}

int produce(void*, const forklift_env*, forklift_body*, forklift_out*) {
  return 1;
}

}  // namespace

// Not by the class of plugin.hpp, which catches what its plugins throw: here, it is the host that has to.
const forklift_plugin* forklift_plugin_v1() {
  static const forklift_plugin plugin = {.version = FORKLIFT_VERSION_OF(forklift_plugin),
                                         .name = "create_throws_an_int",
                                         .plugin_version = "1.0",
                                         .create = create,
                                         .produce = produce,
                                         .destroy = nullptr,
                                         .handle_connection = nullptr};
  return &plugin;
}
