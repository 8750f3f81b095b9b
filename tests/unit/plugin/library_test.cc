#include "plugin/library.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <list>

#include "plugin/image.h"
#include "workshop.h"

namespace forklift::plugin {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A plugin whose descriptor is spoilt by `statements`, which see it as `d`.
std::string spoilt(const std::string& statements) {
  return R"(
#include <forklift/plugin.h>
static int produce(void *i, const forklift_env *e, forklift_body *b, forklift_out *o) { return i && e && b && o; }
const forklift_plugin *forklift_plugin_v1(void);
__attribute__((visibility("default"))) const forklift_plugin *forklift_plugin_v1(void) {
  static forklift_plugin d = {.version = FORKLIFT_VERSION_OF(forklift_plugin), .name = "spoilt", .produce = produce};
)" + statements +
         "\n  return &d;\n}\n";
}

class LibraryTest : public Workshop {
 protected:
  // Images stay open until the process ends: the loader would take a later one with the same number for the first.
  static int keep(UniqueFd image) {
    static std::list<UniqueFd> images;
    return images.emplace_back(std::move(image)).get();
  }

  Result<void*> load(const std::string& plugin_path) {
    auto image = make_image(plugin_path, "test.1", folder_, Clock::now() + seconds(20));
    if (!image) return Failure(image.error());
    return open_image(keep(std::move(*image)), plugin_path);
  }

  std::string load_error(const std::string& plugin_path) {
    const auto handle = load(plugin_path);
    return handle ? "" : handle.error().message();
  }

  // What check() says of a plugin with this source; empty if nothing.
  std::string complaint(const std::string& source) {
    const auto handle = load(build("spoilt.so", source));
    EXPECT_TRUE(handle) << handle.error().message();
    if (!handle) return "";
    const auto plugin = check(*handle);
    return plugin ? "" : plugin.error().message();
  }
};

TEST_F(LibraryTest, loads_and_checks_a_good_plugin) {
  const auto handle = load(build("good.so", kGoodSource));
  ASSERT_TRUE(handle) << handle.error().message();
  const auto plugin = check(*handle);
  ASSERT_TRUE(plugin) << plugin.error().message();
  EXPECT_STREQ((*plugin)->name, "good");
  EXPECT_EQ((*plugin)->produce(nullptr, nullptr, nullptr, nullptr), 0);
}

TEST_F(LibraryTest, runs_the_image_when_the_file_has_been_overwritten) {
  const std::string path = build("good.so", kGoodSource);
  auto image = make_image(path, "test.1", folder_, Clock::now() + seconds(20));
  ASSERT_TRUE(image) << image.error().message();
  write("good.so", "overwritten in place");
  const auto handle = open_image(keep(std::move(*image)), path);
  ASSERT_TRUE(handle) << handle.error().message();
  EXPECT_TRUE(check(*handle));
}

TEST_F(LibraryTest, finds_an_undefined_symbol_at_load_and_names_the_plugins_file) {
  const std::string path =
      build("undefined.so", spoilt("extern void not_there(void); if (!d.name) not_there();"), "-Wl,-z,lazy");
  EXPECT_EQ(load_error(path), path + ": undefined symbol: not_there");
}

TEST_F(LibraryTest, names_a_library_that_is_nowhere) {
  build("libgone.so", "int gone(void) { return 1; }", "-Wl,-soname,libgone.so.7");
  const std::string path = build("good.so", kGoodSource, "-Wl,--no-as-needed -L " + folder_ + " -lgone");
  EXPECT_THAT(load_error(path),
              AllOf(HasSubstr(path + ": libgone.so.7: cannot open shared object file"), Not(HasSubstr("/proc"))));
}

TEST_F(LibraryTest, a_file_that_is_not_elf_is_an_error_here_too) {
  const std::string text = write("text.so", "hello\n");
  const auto handle = open_image(open(text).get(), text);
  ASSERT_FALSE(handle);
  EXPECT_EQ(handle.error().message(), text + " is not an ELF file");
}

// What a note says is known before anything is run.
class NoteTest : public LibraryTest {
 protected:
  // What check_note() says of a plugin with this source; empty if nothing.
  std::string complaint_of_note(const std::string& source) {
    const auto checked = check_note(open(build("noted.so", source)).get());
    return checked ? "" : checked.error().message();
  }
  // A plugin that says of itself what `version` defines.
  static std::string noted(const std::string& version) {
    std::string source = kGoodSource;
    return source.insert(source.find("static int"), version);
  }
};

TEST_F(NoteTest, of_another_version_is_refused) {
  EXPECT_EQ(complaint_of_note(kGoodSource), "");
  EXPECT_EQ(
      complaint_of_note(noted("#undef FORKLIFT_API_MINOR\n#define FORKLIFT_API_MINOR 7\n")),
      fmt::format("the plugin was built for version {}.7 of the plugin API, this server has {}.{}: build it with an "
                  "older forklift/plugin.h or update the server",
                  FORKLIFT_API_MAJOR, FORKLIFT_API_MAJOR, FORKLIFT_API_MINOR));
  for (const char* major : {"0", "2"}) {
    EXPECT_THAT(
        complaint_of_note(noted(fmt::format("#undef FORKLIFT_API_MAJOR\n#define FORKLIFT_API_MAJOR {}\n", major))),
        AllOf(HasSubstr(fmt::format("{}.{} of the plugin API", major, FORKLIFT_API_MINOR)),
              HasSubstr("build it with this server's forklift/plugin.h")));
  }
}

TEST_F(NoteTest, where_there_is_none_it_is_left_to_check) {
  EXPECT_EQ(complaint_of_note(spoilt("d.version.minor = FORKLIFT_API_MINOR + 1;")), "");
  EXPECT_TRUE(check_note(open(write("text.so", "hello\n")).get())) << "which opening it finds out";
}

// A plugin beside which lies a library that it needs.
class PrivateLibraryTest : public LibraryTest {
 protected:
  PrivateLibraryTest() { std::filesystem::create_directory(path("lib")); }

  std::string build_plugin(const std::string& link_options, const std::string& name = "shop.so") {
    return build(name, spoilt("extern int greet(void); d.plugin_version = greet() == 42 ? \"greeted\" : \"\";"),
                 link_options);
  }
};

TEST_F(PrivateLibraryTest, origin_is_the_folder_of_the_plugins_file) {
  // The inner library finds its own one beside it, by its own $ORIGIN.
  build("lib/libinner.so", "int inner(void) { return 40; }", "-Wl,-soname,libinner.so");
  build("lib/libgreet.so", "extern int inner(void); int greet(void) { return inner() + 2; }",
        "-Wl,-soname,libgreet.so.1 -L " + path("lib") + " -linner '-Wl,-rpath,$ORIGIN'");
  std::filesystem::copy_file(path("lib/libgreet.so"), path("lib/libgreet.so.1"));
  for (const char* origin : {"$ORIGIN", "${ORIGIN}"}) {
    const auto handle = load(build_plugin("-L " + path("lib") + " -lgreet '-Wl,-rpath,/nowhere:" + origin +
                                          "/lib' -Wl,-rpath-link," + path("lib")));
    ASSERT_TRUE(handle) << handle.error().message();
    const auto plugin = check(*handle);
    ASSERT_TRUE(plugin) << plugin.error().message();
    EXPECT_STREQ((*plugin)->plugin_version, "greeted");
  }
}

TEST_F(PrivateLibraryTest, an_ordinary_folder_that_comes_first_wins) {
  std::filesystem::create_directory(path("shared"));
  build("lib/liborder.so", "int greet(void) { return 0; }", "-Wl,-soname,liborder.so");
  build("shared/liborder.so", "int greet(void) { return 42; }", "-Wl,-soname,liborder.so");
  const auto handle =
      load(build_plugin("-L " + path("lib") + " -lorder '-Wl,-rpath," + path("shared") + ":$ORIGIN/lib'"));
  ASSERT_TRUE(handle) << handle.error().message();
  const auto plugin = check(*handle);
  ASSERT_TRUE(plugin) << plugin.error().message();
  EXPECT_STREQ((*plugin)->plugin_version, "greeted");
}

TEST_F(PrivateLibraryTest, one_without_a_soname_is_refused_with_the_cure) {
  build("lib/libplain.so", "int greet(void) { return 42; }");
  const std::string error = load_error(build_plugin("-L " + path("lib") + " -lplain '-Wl,-rpath,$ORIGIN/lib'"));
  EXPECT_EQ(error, path("lib/libplain.so") +
                       " has the SONAME \"\"; it has to be \"libplain.so\": link it with -Wl,-soname,libplain.so");
}

TEST_F(PrivateLibraryTest, a_broken_one_is_named_by_its_own_path) {
  build("lib/libbroken.so", "extern int gone(void); int greet(void) { return gone(); }", "-Wl,-soname,libbroken.so");
  EXPECT_EQ(load_error(build_plugin("-Wl,--unresolved-symbols=ignore-all -L " + path("lib") +
                                    " -lbroken '-Wl,-rpath,$ORIGIN/lib'")),
            path("lib/libbroken.so") + ": undefined symbol: gone");
}

TEST_F(LibraryTest, a_library_without_entry_is_no_plugin) {
  EXPECT_EQ(complaint("int something(void) { return 1; }"),
            "the plugin exports no forklift_plugin_v1: does it use FORKLIFT_PLUGIN, and is the symbol visible?");
}

TEST_F(LibraryTest, a_plugin_of_another_major_is_named) {
  EXPECT_EQ(
      complaint("const void *forklift_plugin_v2(void) { return 0; }"),
      "the plugin exports forklift_plugin_v2, but this server calls forklift_plugin_v1: build it with this server's "
      "forklift/plugin.h");
}

TEST_F(LibraryTest, a_missing_descriptor_is_refused) {
  EXPECT_EQ(complaint("const void *forklift_plugin_v1(void) { return 0; }"),
            "the plugin's forklift_plugin_v1() returned NULL");
}

TEST_F(LibraryTest, another_version_is_refused_by_both) {
  EXPECT_EQ(complaint(spoilt("d.version.minor = 7;")),
            "the plugin was built for version 1.7 of the plugin API, this server has 1.0: build it with an older "
            "forklift/plugin.h or update the server");
  EXPECT_EQ(complaint(spoilt("d.version.major = 0; d.version.minor = 3;")),
            "the plugin was built for draft 0.3 of the plugin API, this server has 1.0: build it with this server's "
            "forklift/plugin.h");
}

TEST_F(LibraryTest, a_descriptor_of_an_impossible_size_is_refused) {
  EXPECT_EQ(complaint(spoilt("d.version.size -= 16;")),
            "the plugin's descriptor has a size of 40 bytes; this server expects 56 to 4096");
  EXPECT_THAT(complaint(spoilt("d.version.size = 0;")), HasSubstr("a size of 0 bytes"));
  EXPECT_THAT(complaint(spoilt("d.version.size = 0xffffffff;")), HasSubstr("a size of 4294967295 bytes"));
}

TEST_F(LibraryTest, nothing_is_read_beyond_the_stated_size) {
  // The version alone, at the very end of a page behind which there is none.
  EXPECT_THAT(complaint(R"(
#define _GNU_SOURCE
#include <forklift/plugin.h>
#include <string.h>
#include <sys/mman.h>
const forklift_plugin *forklift_plugin_v1(void) {
  char *pages = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(pages + 4096, 4096);
  forklift_version version = {sizeof version, FORKLIFT_API_MAJOR, FORKLIFT_API_MINOR};
  return memcpy(pages + 4096 - sizeof version, &version, sizeof version);
})"),
              HasSubstr("a size of 8 bytes"));
}

TEST_F(LibraryTest, a_plugin_has_a_name_and_answers) {
  EXPECT_EQ(complaint(spoilt("d.name = 0;")), "the plugin's descriptor has no name");
  EXPECT_THAT(complaint(spoilt("d.name = \"\";")), HasSubstr("name \"\" is not 1 to 63 characters"));
  EXPECT_THAT(complaint(spoilt("d.name = \"My Shop\\n\";")), HasSubstr("name \"My Shop\\n\" is not"));
  const std::string mute = "the plugin \"spoilt\" has neither a produce nor a handle_connection function";
  EXPECT_EQ(complaint(spoilt("d.produce = 0;")), mute);
  EXPECT_EQ(complaint(spoilt("d.produce = 0; d.handle_connection = (int (*)(void *, int, const void *, size_t))1;")),
            "");
  EXPECT_EQ(complaint(spoilt("")), "");
}

TEST(CheckVersionTest, same_major_and_no_newer_minor) {
  const auto fits = [](std::uint16_t major, std::uint16_t minor, std::uint16_t host_major, std::uint16_t host_minor) {
    return check_version({56, major, minor}, {56, host_major, host_minor}).has_value();
  };
  EXPECT_TRUE(fits(1, 0, 1, 0));
  EXPECT_TRUE(fits(1, 0, 1, 3));
  EXPECT_TRUE(fits(1, 3, 1, 3));
  EXPECT_FALSE(fits(1, 4, 1, 3));
  EXPECT_FALSE(fits(0, 1, 1, 0));
  EXPECT_FALSE(fits(2, 0, 1, 3));
  EXPECT_EQ(check_version({56, 1, 4}, {56, 1, 3}).error().message(),
            "the plugin was built for version 1.4 of the plugin API, this server has 1.3: build it with an older "
            "forklift/plugin.h or update the server");
}

}  // namespace
}  // namespace forklift::plugin
