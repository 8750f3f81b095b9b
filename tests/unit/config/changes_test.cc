// What a reload changes, from what there is and what is wanted.
#include "config/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/address.h"

namespace forklift::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Listen listen_on(const std::string& address) {
  Listen listen;
  listen.address = parse_address(address, "/folder").value().front();
  return listen;
}

App app(const std::string& name, const std::vector<std::string>& addresses) {
  App made;
  made.name = name;
  for (const std::string& address : addresses) made.listen.push_back(listen_on(address));
  return made;
}

Changes changes(const std::vector<App>& from, const std::vector<App>& to) {
  std::vector<std::string> names;
  std::vector<Held> held;
  for (const App& one : from) {
    names.push_back(one.name);
    for (const Listen& listen : one.listen) held.push_back({&listen, one.name});
  }
  Config config;
  config.apps = to;
  return changes_of(names, held, config);
}

Unit unit(std::vector<std::size_t> apps, std::vector<std::string> removed = {}) {
  return {std::move(apps), std::move(removed)};
}

TEST(ChangesTest, nothing_is_bound_or_closed_where_the_addresses_stay) {
  const auto same = {app("a", {"4000", "unix:a.sock"}), app("b", {"[::1]:4001"})};
  const Changes made = changes(same, same);
  EXPECT_THAT(made.kept, ElementsAre(Kept{0, {0, 0}}, Kept{1, {0, 1}}, Kept{2, {1, 0}}));
  EXPECT_THAT(made.added, IsEmpty());
  EXPECT_THAT(made.closed, IsEmpty());
  EXPECT_THAT(made.units, ElementsAre(unit({0}), unit({1}))) << "each app by itself";
}

TEST(ChangesTest, an_address_that_is_new_is_bound_and_one_that_is_gone_is_closed) {
  const Changes made = changes({app("a", {"4000", "4001"})}, {app("a", {"4001", "4002"})});
  EXPECT_THAT(made.kept, ElementsAre(Kept{1, {0, 0}}));
  EXPECT_THAT(made.added, ElementsAre(Wanted{0, 1}));
  EXPECT_THAT(made.closed, ElementsAre(0U));
}

TEST(ChangesTest, what_else_is_said_of_a_listener_makes_it_no_other_one) {
  App from = app("a", {"unix:a.sock"});
  App to = from;
  to.listen[0].mode = 0600;
  to.listen[0].backlog = 1;
  EXPECT_THAT(changes({from}, {to}).kept, ElementsAre(Kept{0, {0, 0}}));
}

TEST(ChangesTest, apps_come_and_go_by_themselves) {
  const Changes made = changes({app("old", {"4000"}), app("a", {"4001"})}, {app("a", {"4001"}), app("new", {"4002"})});
  EXPECT_THAT(made.units, ElementsAre(unit({0}), unit({1}), unit({}, {"old"})));
  EXPECT_THAT(made.closed, ElementsAre(0U));
}

TEST(ChangesTest, apps_between_which_a_listener_goes_are_one_unit) {
  const Changes made = changes({app("a", {"4000"}), app("b", {"4001"}), app("c", {"4002"}), app("d", {"4003"})},
                               {app("a", {"4001"}), app("b", {"4002"}), app("c", {"4000"}), app("d", {"4003"})});
  EXPECT_THAT(made.units, ElementsAre(unit({0, 1, 2}), unit({3})));
  EXPECT_THAT(made.closed, IsEmpty());
  EXPECT_THAT(made.added, IsEmpty());
}

TEST(ChangesTest, an_app_that_goes_is_one_unit_with_its_heir) {
  EXPECT_THAT(changes({app("old", {"4000"})}, {app("new", {"4000"})}).units, ElementsAre(unit({0}, {"old"})));
}

TEST(ChangesTest, any_free_port_is_kept_by_its_own_app_and_is_no_bond) {
  const Changes made = changes({app("a", {"127.0.0.1:0", "127.0.0.1:0"}), app("b", {"127.0.0.1:0"})},
                               {app("b", {"127.0.0.1:0"}), app("c", {"127.0.0.1:0"}), app("a", {"127.0.0.1:0"})});
  EXPECT_THAT(made.kept, testing::UnorderedElementsAre(Kept{2, {0, 0}}, Kept{0, {2, 0}}));
  EXPECT_THAT(made.added, ElementsAre(Wanted{1, 0}));
  EXPECT_THAT(made.closed, ElementsAre(1U));
  EXPECT_THAT(made.units, ElementsAre(unit({0}), unit({1}), unit({2})));
}

TEST(ChangesTest, all_sockets_that_systemd_has_passed_under_a_name_stay_together) {
  const App from = app("a", {"systemd:web", "systemd:web"});  // as two doors of one entry
  const Changes made = changes({from}, {app("a", {"systemd:web"})});
  EXPECT_THAT(made.kept, ElementsAre(Kept{0, {0, 0}}, Kept{1, {0, 0}}));
  EXPECT_THAT(made.closed, IsEmpty());
}

}  // namespace
}  // namespace forklift::config
