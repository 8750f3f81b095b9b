// README.md shows "all that the YAML file can say today". This holds it to that.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "config/keys.h"
#include "documents.h"
#include "reading.h"

namespace forklift::config {

TEST(Readme, ShowsAConfigurationThatIsRight) {
  EXPECT_EQ(verdict(readme_configuration()), "fine");
}

TEST(Readme, ShowsEveryKeyThatIsSupported) {
  const std::set<std::string> paths = key_paths(readme_configuration());
  for (const Key& key : all_keys()) {
    EXPECT_TRUE(!key.supported() || paths.contains(std::string(key.path))) << key.path;
  }
}

}  // namespace forklift::config
