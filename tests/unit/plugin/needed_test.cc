#include "plugin/needed.h"

#include <gmock/gmock.h>

#include "foreign_elf.h"
#include "workshop.h"

namespace forklift::plugin {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;

class NeededTest : public Workshop {
 protected:
  std::vector<NeededLibrary> libraries_of(const std::string& plugin, const std::vector<std::string>& folders) {
    const auto info = read_elf(open(plugin).get());
    EXPECT_TRUE(info) << info.error().message();
    return find_libraries(plugin, *info, folders);
  }
  std::string folder(const std::string& name) {
    std::filesystem::create_directories(path(name));
    return path(name);
  }
  // A library `lib/NAME.so`, and what links it.
  std::string link_to(const std::string& name) { return " -Wl,--no-as-needed " + path("lib/" + name + ".so") + " "; }
  std::string library(const std::string& name, const std::string& options = "") {
    folder("lib");
    return build("lib/" + name + ".so", "int " + name + "(void) { return 1; }",
                 "-Wl,-soname," + name + ".so " + options);
  }
};

const NeededLibrary& named(const std::vector<NeededLibrary>& libraries, const std::string& name) {
  static const NeededLibrary kNone{.name = "there is none", .path = {}};
  for (const NeededLibrary& library : libraries) {
    if (library.name == name) return library;
  }
  return kNone;
}

TEST_F(NeededTest, are_found_where_the_loader_would_find_them) {
  const std::string own = library("own");
  const std::string plugin = build("plugin.so", kGoodSource, link_to("own") + "'-Wl,-rpath,/nowhere:$ORIGIN/lib'");
  const auto libraries = libraries_of(plugin, loader_folders());
  EXPECT_EQ(named(libraries, "own.so").path, std::filesystem::canonical(own));
  EXPECT_FALSE(named(libraries, "own.so").is_systems);
  const NeededLibrary& libc = named(libraries, "libc.so.6");
  EXPECT_TRUE(std::filesystem::exists(libc.path)) << libc.path;
  EXPECT_TRUE(libc.is_systems) << libc.path;
}

TEST_F(NeededTest, of_a_library_that_is_not_the_systems_are_found_from_where_that_lies) {
  library("inner");
  library("outer", link_to("inner") + "'-Wl,-rpath,$ORIGIN'");
  const std::string plugin = build("plugin.so", kGoodSource, link_to("outer") + "'-Wl,-rpath,${ORIGIN}/lib'");
  const auto libraries = libraries_of(plugin, loader_folders());
  EXPECT_EQ(named(libraries, "inner.so").path, std::filesystem::canonical(path("lib/inner.so")));
}

TEST_F(NeededTest, that_are_nowhere_or_for_another_machine_have_no_path) {
  library("own");
  const std::string plugin = build("plugin.so", kGoodSource, link_to("own"));
  const std::string first = folder("first"), second = folder("second");
  EXPECT_EQ(named(libraries_of(plugin, {first, second}), "own.so").path, "");
  write("first/own.so", ForeignElf{.machine = EM_PPC64}.bytes());
  EXPECT_EQ(named(libraries_of(plugin, {first, second}), "own.so").path, "");
  std::filesystem::copy_file(path("lib/own.so"), path("second/own.so"));
  EXPECT_EQ(named(libraries_of(plugin, {first, second}), "own.so").path,
            std::filesystem::canonical(path("second/own.so")));
}

TEST_F(NeededTest, that_need_one_another_end) {
  library("a");
  library("b", link_to("a") + "'-Wl,-rpath,$ORIGIN'");
  library("a", link_to("b") + "'-Wl,-rpath,$ORIGIN'");
  const auto libraries = libraries_of(path("lib/a.so"), {});
  EXPECT_NE(named(libraries, "b.so").path, "");
  EXPECT_NE(named(libraries, "a.so").path, "");
}

TEST_F(NeededTest, of_a_foreign_plugin_are_those_of_its_machine) {
  folder("lib");
  const ForeignElf plugin{.is_big = true, .machine = EM_PPC64};
  const std::string file = write("plugin.so", plugin.bytes());
  write("lib/libabroad.so.1", ForeignElf{.machine = EM_PPC64, .needed = "libother.so"}.bytes());
  EXPECT_EQ(named(libraries_of(file, {}), "libabroad.so.1").path, "") << "that one is little-endian";
  write("lib/libabroad.so.1", ForeignElf{.is_big = true, .machine = EM_PPC64, .needed = "libother.so"}.bytes());
  const auto libraries = libraries_of(file, {});
  EXPECT_EQ(named(libraries, "libabroad.so.1").path, std::filesystem::canonical(path("lib/libabroad.so.1")));
  EXPECT_EQ(named(libraries, "libother.so").path, "");
}

TEST_F(NeededTest, folders_are_those_of_the_configuration_and_what_it_includes) {
  folder("conf.d");
  write("conf.d/a.conf", "# a comment\n/opt/a/lib # and one behind\n\n");
  write("conf.d/b.conf", "\t/opt/b/lib\ninclude b.conf\n");
  const std::string conf =
      write("ld.so.conf", "include conf.d/*.conf\n/opt/last\nhwcap 1 nosegneg\ninclude /nowhere/*\n");
  const auto folders = loader_folders(conf);
  EXPECT_EQ(folders.front(), "/opt/a/lib");
  EXPECT_THAT(folders, Contains("/opt/b/lib"));
  EXPECT_THAT(folders, Contains("/opt/last"));
  EXPECT_EQ(folders.back(), "/usr/lib");
  EXPECT_THAT(loader_folders("/nowhere/ld.so.conf"), ElementsAre("/lib64", "/usr/lib64", "/lib", "/usr/lib"));
}

}  // namespace
}  // namespace forklift::plugin
