#include "config/checks.h"

#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>

#include "config/address.h"

namespace forklift::config {

namespace {

struct Listener {
  const App* app;
  const Listen* listen;

  const Address& address() const { return listen->address; }
};

// Who listens where, so far.
class AddressBook {
 public:
  // The listener that is in the way of this one, or nullptr; then this one is entered.
  const Listener* enter(const Listener& listener) {
    const std::string name = listener.address().to_string();
    const auto family = listener.address().family;
    if (family == Address::Family::kUnix || family == Address::Family::kSystemd) return enter(listener, name);
    if (listener.address().port == 0) return nullptr;

    const std::string all_hosts = wildcard_of(listener.address()).to_string();
    if (const Listener* taken = find(by_address_, all_hosts)) return taken;
    if (name == all_hosts) {
      if (const Listener* taken = find(first_on_port_, all_hosts)) return taken;
    }
    first_on_port_.emplace(all_hosts, listener);
    return enter(listener, name);
  }

 private:
  using Index = std::map<std::string, Listener>;

  const Listener* enter(const Listener& listener, const std::string& name) {
    const auto [entry, is_new] = by_address_.emplace(name, listener);
    return is_new ? nullptr : &entry->second;
  }

  static const Listener* find(const Index& index, const std::string& key) {
    const auto found = index.find(key);
    return found == index.end() ? nullptr : &found->second;
  }

  Index by_address_;
  Index first_on_port_;  // by the wildcard address of its family and port
};

std::string describe_collision(const Listener& listener, const Listener& taken) {
  const std::string other =
      taken.address() == listener.address() ? "" : fmt::format("{} of ", taken.address().to_string());
  return fmt::format("listen: {} is taken by {}app \"{}\" ({})", listener.address().to_string(), other, taken.app->name,
                     taken.listen->position.to_string());
}

void check_names(const std::vector<App>& apps, Findings& findings) {
  std::map<std::string_view, const App*> known;
  for (const App& app : apps) {
    if (app.name.empty()) continue;
    const auto [first, is_new] = known.try_emplace(app.name, &app);
    if (is_new) continue;
    findings.push_back({app.position, fmt::format("name: another app is called \"{}\" already ({})", app.name,
                                                  first->second->position.to_string())});
  }
}

void check_listeners(const std::vector<App>& apps, Findings& findings) {
  AddressBook book;
  for (const App& app : apps) {
    for (const Listen& listen : app.listen) {
      const Listener listener{&app, &listen};
      if (const Listener* taken = book.enter(listener)) {
        findings.push_back({listen.position, describe_collision(listener, *taken)});
      }
    }
  }
}

}  // namespace

Findings check_apps(const std::vector<App>& apps) {
  Findings findings;
  check_names(apps, findings);
  check_listeners(apps, findings);
  return findings;
}

}  // namespace forklift::config
