#include "plugin/loaded.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "workshop.h"

namespace forklift::plugin {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::IsEmpty;

class LoadedLibraries : public Workshop {};

TEST_F(LoadedLibraries, are_those_of_the_process_with_their_paths) {
  EXPECT_THAT(loaded_libraries(), Contains(EndsWith("/libc.so.6")));
}

TEST_F(LoadedLibraries, are_foreign_where_they_have_come_later_and_are_not_the_systems) {
  const auto before = loaded_libraries();
  EXPECT_THAT(foreign_libraries(before), IsEmpty());
  const std::string own = build("libown.so", "int answer(void) { return 42; }\n");
  std::filesystem::create_symlink(own, path("link.so"));
  void* handle = ::dlopen(path("link.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(handle, nullptr) << ::dlerror();
  EXPECT_THAT(foreign_libraries(before), ElementsAre(std::filesystem::canonical(own).string()));
  EXPECT_THAT(foreign_libraries(loaded_libraries()), IsEmpty());
  ::dlclose(handle);
}

TEST(SystemFolders, are_those_that_the_package_manager_looks_after) {
  EXPECT_TRUE(is_systems("/lib/x86_64-linux-gnu/libc.so.6"));
  EXPECT_TRUE(is_systems("/usr/lib/x86_64-linux-gnu/libz.so.1"));
  EXPECT_TRUE(is_systems("/usr/lib64/libz.so.1"));
  EXPECT_FALSE(is_systems("/usr/local/lib/libz.so.1"));
  EXPECT_FALSE(is_systems("/usr/library/libz.so.1"));
  EXPECT_FALSE(is_systems("/opt/acme/lib/libz.so.1"));
}

}  // namespace
}  // namespace forklift::plugin
