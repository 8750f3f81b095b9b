#include "worker/environment.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace forklift::worker {

namespace {

constexpr const char* kPath = "/usr/local/bin:/usr/bin:/bin";

void set(const std::string& name, const std::string& value) {
  ::setenv(name.c_str(), value.c_str(), 1);
}

}  // namespace

void rebuild_environment(const config::Confinement& confinement, const Identity& identity) {
  for (char** variable = environ; variable && *variable; ++variable)
    ::explicit_bzero(*variable, std::strlen(*variable));
  ::clearenv();
  set("PATH", kPath);
  if (!identity.home.empty()) set("HOME", identity.home);
  if (!identity.name.empty()) set("USER", identity.name);
  for (const auto& [name, value] : confinement.environment) set(name, value);
}

}  // namespace forklift::worker
