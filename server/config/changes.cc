#include "config/changes.h"

#include <algorithm>
#include <map>
#include <utility>

namespace forklift::config {

namespace {

// Names that belong together, directly or by way of others.
class Groups {
 public:
  // Whoever stands for the group of `name`.
  std::string find(const std::string& name) {
    const auto [entry, is_new] = leaders_.try_emplace(name, name);
    return entry->second == name ? name : find(entry->second);
  }
  void join(const std::string& one, const std::string& other) { leaders_[find(one)] = find(other); }

 private:
  std::map<std::string, std::string> leaders_;
};

class Comparison {
 public:
  Comparison(const std::vector<std::string>& apps, const std::vector<Held>& held, const Config& to)
      : apps_(apps), held_(held), to_(to), is_taken_(held.size()) {}

  Changes run() {
    // An app's own come first, so that of two listeners with port 0 each app keeps its own.
    for (const bool of_others : {false, true}) {
      for (std::size_t app = 0; app < to_.apps.size(); ++app) keep(app, of_others);
    }
    for (std::size_t app = 0; app < to_.apps.size(); ++app) {
      for (std::size_t i = 0; i < to_.apps[app].listen.size(); ++i) {
        if (!is_kept({app, i})) changes_.added.push_back({app, i});
      }
    }
    for (std::size_t i = 0; i < held_.size(); ++i) {
      if (!is_taken_[i]) changes_.closed.push_back(i);
    }
    make_units();
    return std::move(changes_);
  }

 private:
  bool is_kept(const Wanted& wanted) const {
    return std::ranges::find(changes_.kept, wanted, &Kept::wanted) != changes_.kept.end();
  }

  void keep(std::size_t app, bool of_others) {
    const std::vector<Listen>& listens = to_.apps[app].listen;
    for (std::size_t i = 0; i < listens.size(); ++i) {
      if (is_kept({app, i})) continue;
      for (std::size_t held = 0; held < held_.size(); ++held) {
        const bool is_own = held_[held].app == to_.apps[app].name;
        if (is_taken_[held] || is_own == of_others || !is_same(*held_[held].listen, listens[i], is_own)) continue;
        is_taken_[held] = true;
        changes_.kept.push_back({held, {app, i}});
        groups_.join(held_[held].app, to_.apps[app].name);
        // One name of the service manager's may stand for several sockets.
        if (listens[i].address.family != Address::Family::kSystemd) break;
      }
    }
  }

  static bool is_same(const Listen& held, const Listen& wanted, bool is_own) {
    const bool is_any_port = wanted.address.port == 0 && !wanted.address.host.empty();
    return held.address == wanted.address && held.protocol == wanted.protocol && (is_own || !is_any_port);
  }

  void make_units() {
    std::map<std::string, std::size_t> by_leader;
    const auto unit_of = [&](const std::string& name) -> Unit& {
      const auto [entry, is_new] = by_leader.try_emplace(groups_.find(name), changes_.units.size());
      if (is_new) changes_.units.emplace_back();
      return changes_.units[entry->second];
    };
    for (std::size_t app = 0; app < to_.apps.size(); ++app) unit_of(to_.apps[app].name).apps.push_back(app);
    for (const std::string& name : apps_) {
      if (std::ranges::find(to_.apps, name, &App::name) == to_.apps.end()) unit_of(name).removed.push_back(name);
    }
  }

  const std::vector<std::string>& apps_;
  const std::vector<Held>& held_;
  const Config& to_;
  std::vector<bool> is_taken_;
  Groups groups_;
  Changes changes_;
};

}  // namespace

Changes changes_of(const std::vector<std::string>& apps, const std::vector<Held>& held, const Config& to) {
  return Comparison(apps, held, to).run();
}

}  // namespace forklift::config
