// Where the keys of an app stand, for messages about what is found out later.
#include <gtest/gtest.h>

#include "config/reader.h"

namespace forklift::config {
namespace {

TEST(Places, are_those_of_the_values_by_the_names_that_people_know) {
  const auto config = read_text(
      "apps:\n"
      "- name: shop\n"
      "  plugin: shop.so\n"
      "  listen: { address: 4000, backlog: 5 }\n"
      "  limits: { head: 32K, connections: 50 }\n",
      "app.yaml");
  ASSERT_TRUE(config);
  const App& app = config->apps[0];
  EXPECT_EQ(app.place("plugin").to_string(), "app.yaml:3:11");
  EXPECT_EQ(app.place("limits.connections").to_string(), "app.yaml:5:37");
  EXPECT_EQ(app.places.find("user"), nullptr);
  EXPECT_EQ(app.place("user").to_string(), app.position.to_string()) << "not written: the app's";
  EXPECT_EQ(app.places.find("listen.backlog"), nullptr) << "there may be several";
}

TEST(Places, are_no_part_of_what_a_configuration_says) {
  Places one;
  one.set("plugin", {"app.yaml", 3, 11});
  EXPECT_EQ(one, Places());
}

}  // namespace
}  // namespace forklift::config
