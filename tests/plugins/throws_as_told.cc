// Throws what HTTP_X_THROW says, from produce or from where no exception may come from. Without it, its page tells the
// worker's pid.
#include <forklift/plugin.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct ThrowsInItsDestructor {
  ~ThrowsInItsDestructor() noexcept(false) { throw std::runtime_error("from a destructor"); }
};

struct ThrowsWhereNothingMay {
  ~ThrowsWhereNothingMay() { fail(); }
  static void fail() { throw std::runtime_error("from a destructor that is noexcept"); }
};

void take_all_memory() {
  std::vector<std::unique_ptr<char[]>> blocks;
  while (true) blocks.push_back(std::make_unique_for_overwrite<char[]>(1 << 20));
}

void throw_as_told(const std::string& what) {
  if (what == "exception") throw std::runtime_error("the secret of the plugin");
  if (what == "escapes") throw std::runtime_error("\x1b[31mred\nand a second line");
  if (what == "long") throw std::runtime_error(std::string(1'000'000, 'x'));
  if (what == "int") throw 42;
  if (what == "bad_alloc") take_all_memory();
  if (what == "destructor") ThrowsInItsDestructor();
  if (what == "noexcept") ThrowsWhereNothingMay();
  if (what == "thread") std::thread([] { throw std::runtime_error("from a thread"); }).join();
}

int produce(void*, const forklift_env* env, forklift_body*, forklift_out* out) {
  if (const char* what = env->get(env, "HTTP_X_THROW", nullptr)) throw_as_told(what);
  char page[64];
  const int size = std::snprintf(page, sizeof page, "Content-Type: text/plain\n\n%d", static_cast<int>(getpid()));
  return out->write(out, page, static_cast<size_t>(size));
}

}  // namespace

// Not by the class of plugin.hpp, which catches what its plugins throw: here, it is the host that has to.
const forklift_plugin* forklift_plugin_v1() {
  static const forklift_plugin plugin = {.version = FORKLIFT_VERSION_OF(forklift_plugin),
                                         .name = "throws_as_told",
                                         .plugin_version = "1.0",
                                         .create = nullptr,
                                         .produce = produce,
                                         .destroy = nullptr,
                                         .handle_connection = nullptr};
  return &plugin;
}
