#include "plugin/create.h"

#include <cxxabi.h>

#include <exception>
#include <typeinfo>

namespace forklift::plugin {

// (no_sanitize: a forced unwinding carries no exception object, which the sanitizer takes for a null reference.)
__attribute__((no_sanitize("null"))) Result<void*> create(const forklift_plugin& plugin, HostTable& host) {
  void* instance = nullptr;
  if (!plugin.create) return instance;
  try {
    if (plugin.create(host.table(), &instance) == 0) return instance;
  } catch (const abi::__forced_unwind&) {
    throw;  // pthread_exit(3): not to be swallowed
  } catch (const std::exception& e) {
    return fail("create threw {}: {}", typeid(e).name(), e.what());
  } catch (...) {
    return fail("create threw an exception that is no std::exception");
  }
  return fail("{}", host.refusal().value_or("create failed and gave no reason"));
}

}  // namespace forklift::plugin
