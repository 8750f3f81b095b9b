#include "cli/inspect.h"

#include <Poco/JSON/Object.h>
#include <gmock/gmock.h>

#include "../plugin/foreign_elf.h"
#include "../plugin/workshop.h"
#include "cli/json.h"

namespace forklift::cli {
namespace {

using plugin::ForeignElf;
using plugin::kGoodSource;
using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class Inspect : public plugin::Workshop {
 protected:
  static std::string told(const std::string& path, bool json = false) {
    const auto told = describe_plugin(path, json);
    return told ? *told : told.error().message();
  }
  static Json json_of(const std::string& path) {
    const auto object = parse_object(told(path, true));
    EXPECT_TRUE(object) << object.error().message();
    return object.value_or(Json());
  }
  std::string foreign(const ForeignElf& file) { return write("foreign.so", file.bytes()); }
};

TEST_F(Inspect, tells_what_a_plugin_is) {
  const std::string plugin =
      build("plugin.so", kGoodSource, "-Wl,--no-as-needed,--build-id=0xC0FFEE12,-soname,plugin.so.2");
  EXPECT_THAT(told(plugin),
              AllOf(HasSubstr("name         good\n"), HasSubstr("version      1.2\n"), HasSubstr("API          1."),
                    HasSubstr("accepted     yes\n"), HasSubstr("entry        forklift_plugin_v1\n"),
                    HasSubstr("build id     c0ffee12\n"), HasSubstr("SONAME       plugin.so.2\n"),
                    HasSubstr("RUNPATH      -\n"), HasSubstr("libc.so.6: /")));
  const Json json = json_of(plugin);
  EXPECT_EQ(text_of(json, "file"), plugin);
  EXPECT_EQ(text_of(json, "name"), "good");
  EXPECT_EQ(number_of(object_of(json, "api"), "major"), FORKLIFT_API_MAJOR);
  EXPECT_TRUE(truth_of(json, "accepted"));
  EXPECT_TRUE(json->isNull("reason"));
  EXPECT_EQ(text_of(json, "soname"), "plugin.so.2");
}

TEST_F(Inspect, names_libraries_that_are_not_the_systems) {
  build("libown.so", "int own(void) { return 1; }", "-Wl,-soname,libown.so");
  const std::string plugin =
      build("plugin.so", kGoodSource, "-Wl,--no-as-needed " + path("libown.so") + " '-Wl,-rpath,$ORIGIN'");
  EXPECT_THAT(told(plugin), HasSubstr("libown.so: " + std::filesystem::canonical(path("libown.so")).string() +
                                      ", outside the system's folders"));
  std::filesystem::remove(path("libown.so"));
  EXPECT_THAT(told(plugin), HasSubstr("libown.so: not found\n"));
}

TEST_F(Inspect, says_why_this_server_does_not_take_a_plugin) {
  EXPECT_THAT(told(foreign({.machine = EM_S390})), HasSubstr("accepted     no: it is for s390x\n"));
  const std::string future = build("future.so", "const void *forklift_plugin_v2(void) { return 0; }");
  EXPECT_THAT(told(future), HasSubstr("accepted     no: it exports forklift_plugin_v2, and this server calls "));
  EXPECT_FALSE(truth_of(json_of(future), "accepted"));
  EXPECT_EQ(text_of(json_of(future), "entry"), "forklift_plugin_v2");
  const std::string newer = build("newer.so", std::string("#include <forklift/plugin.h>\n#undef FORKLIFT_API_MINOR\n"
                                                          "#define FORKLIFT_API_MINOR 77\n") +
                                                  kGoodSource);
  EXPECT_THAT(told(newer),
              HasSubstr("accepted     no: the plugin was built for version 1.77 of the plugin API, this "));
  const std::string plain = build("plain.so", "const void *forklift_plugin_v1(void) { return 0; }");
  EXPECT_THAT(told(plain), HasSubstr("accepted     not known: it has no note"));
  EXPECT_TRUE(json_of(plain)->isNull("accepted"));
}

TEST_F(Inspect, runs_nothing_of_it) {
  const std::string plugin = build(
      "plugin.so", kGoodSource + std::string("#include <stdlib.h>\n"
                                             "__attribute__((constructor)) static void run(void) { abort(); }\n"));
  EXPECT_THAT(told(plugin), HasSubstr("accepted     yes\n"));
}

TEST_F(Inspect, escapes_what_a_file_says) {
  const std::string evil = "a\x1b[31m\nb\"\xff";
  const std::string file = foreign({.name = evil, .needed = evil});
  EXPECT_THAT(told(file), AllOf(Not(HasSubstr("\x1b")), HasSubstr("name         a\\x1b[31m\\nb\\\"\\xff\n")));
  EXPECT_EQ(json_of(file)->get("libraries").extract<Poco::JSON::Array::Ptr>()->size(), 1U);
  EXPECT_THAT(told(file, true), Not(HasSubstr("\x1b")));
}

TEST_F(Inspect, refuses_in_one_line_what_is_no_plugin) {
  EXPECT_EQ(told(write("text.so", "#!/bin/sh\n")), path("text.so") + " is not an ELF file");
  EXPECT_EQ(told("/nowhere.so"), "/nowhere.so: No such file or directory");
  EXPECT_EQ(told(folder_), folder_ + " is not a regular file");
  EXPECT_EQ(told(build("library.so", "int f(void) { return 1; }")),
            path("library.so") + " is no plugin: it exports no forklift_plugin_v1 and has no note");
  EXPECT_THAT(told("/no\nwhere"), MatchesRegex("[^\n]*"));
}

}  // namespace
}  // namespace forklift::cli
