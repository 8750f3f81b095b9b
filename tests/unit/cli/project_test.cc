#include "cli/project.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "cli/templates.h"
#include "config/reader.h"

namespace forklift::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string verdict(std::string_view name) {
  const auto good = check_project_name(name);
  return good ? "good" : good.error().message();
}

class Project : public testing::Test {
 protected:
  Project() {
    std::string name = fs::temp_directory_path() / "forklift-new-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~Project() override { fs::remove_all(folder_); }

  std::vector<std::string> entries() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename());
    return names;
  }

  fs::path folder_;
};

TEST_F(Project, has_a_name_that_all_can_have_who_see_it) {
  for (const char* name : {"a", "shop", "my-shop_2", "x--", "tests"}) EXPECT_EQ(verdict(name), "good") << name;
  for (const char* name : {"", "2nd", "-a", "_a", "Shop", "a b", "a/b", "..", "a.so", "\xc3\xa4", "a\n"}) {
    EXPECT_THAT(verdict(name), HasSubstr("is not a letter and then")) << name;
  }
  EXPECT_EQ(verdict(std::string(63, 'a')), "good");
  EXPECT_EQ(verdict(std::string(64, 'a')), "the name has 64 bytes: more than 63");
  EXPECT_EQ(verdict("test"),
            "the name \"test\" is taken: CMake has a target that is called so; choose another, such as \"my-test\"");
  for (const char* name : {"std", "proc-macro"}) {
    EXPECT_THAT(verdict(name), HasSubstr("is taken: Rust has a crate that is called so")) << name;
  }
  for (const char* name : {"env", "env-", "self_", "body--"}) {
    EXPECT_THAT(verdict(name), HasSubstr("is taken: the plugin's source has a type that is called so")) << name;
  }
  for (const char* name : {"my-test", "my-std", "my-env-"}) EXPECT_EQ(verdict(name), "good") << name;
}

// The build has put every byte of them into the program.
TEST_F(Project, templates_are_the_files_of_the_source_tree) {
  const fs::path source = SOURCE_DIR "/plugin-api/templates";
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(source)) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const auto there = std::ranges::any_of(all_templates(), [&](const Template& each) {
      return source / each.language / each.path == entry.path() && each.text == read(entry.path());
    });
    EXPECT_TRUE(there) << entry.path();
  }
  EXPECT_EQ(files, all_templates().size());
}

TEST_F(Project, files_have_its_name_wherever_it_belongs) {
  for (const char* language : {"c", "c++", "rust"}) {
    const auto files = project_files(language, "my-shop");
    EXPECT_GE(files.size(), 6U) << language;
    for (const ProjectFile& file : files) {
      EXPECT_THAT(file.path, Not(HasSubstr("NAME"))) << file.path;
      for (const char* mark : {"@NAME@", "@CLASS@", "@IDENTIFIER@"}) EXPECT_THAT(file.text, Not(HasSubstr(mark)));
    }
    const auto yaml = std::ranges::find(files, "my-shop.yaml", &ProjectFile::path);
    ASSERT_NE(yaml, files.end()) << language;
    EXPECT_THAT(yaml->text, HasSubstr("name: \"my-shop\"\n"));
  }
  const auto files = project_files("c++", "my-shop");
  EXPECT_THAT(std::ranges::find(files, "my-shop.cc", &ProjectFile::path)->text, HasSubstr("class MyShop : "));
  EXPECT_THAT(project_files("cobol", "shop"), IsEmpty());
}

// Words that mean something else to a reader of YAML.
TEST_F(Project, has_a_configuration_that_names_it_whatever_it_is_called) {
  for (const std::string name : {"null", "true", "yes", "on", "y", "n", "no", "off", "false", "nan", "e1", "my-shop"}) {
    ASSERT_EQ(verdict(name), "good") << name;
    for (const char* language : {"c", "c++", "rust"}) {
      const auto files = project_files(language, name);
      const auto yaml = std::ranges::find(files, name + ".yaml", &ProjectFile::path);
      ASSERT_NE(yaml, files.end()) << language;
      const auto config = config::read_text(yaml->text, "/srv/" + yaml->path);
      ASSERT_TRUE(config) << name << " " << language << ": " << config.error().front().to_string();
      EXPECT_EQ(config->apps.at(0).name, name) << language;
    }
  }
}

TEST_F(Project, is_made_as_a_whole) {
  const auto made = make_project(folder_, "shop", {{"a.txt", "one"}, {"src/deep/b.txt", std::string(100'000, 'b')}});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(*made, folder_ / "shop");
  EXPECT_EQ(read(folder_ / "shop/a.txt"), "one");
  EXPECT_EQ(read(folder_ / "shop/src/deep/b.txt").size(), 100'000U);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  struct stat status {};
  ASSERT_EQ(::stat((folder_ / "shop").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0777 & ~mask) << "as mkdir(1) would make it";
  EXPECT_THAT(entries(), testing::ElementsAre("shop"));
}

TEST_F(Project, takes_the_place_of_nothing) {
  for (const char* kind : {"folder", "file", "link"}) {
    fs::remove_all(folder_ / "shop");
    if (kind == std::string("folder")) fs::create_directory(folder_ / "shop");
    if (kind == std::string("file")) std::ofstream(folder_ / "shop") << "mine";
    if (kind == std::string("link")) fs::create_symlink("/nowhere", folder_ / "shop");
    const auto made = make_project(folder_, "shop", {{"a.txt", "one"}});
    ASSERT_FALSE(made) << kind;
    EXPECT_THAT(made.error().message(), HasSubstr("shop is there already")) << kind;
    EXPECT_THAT(entries(), testing::ElementsAre("shop"));
  }
}

TEST_F(Project, that_cannot_be_made_leaves_nothing) {
  EXPECT_THAT(make_project("/nowhere/at/all", "shop", {}).error().message(), HasSubstr("No such file or directory"));
  // A file where a folder has to be.
  EXPECT_FALSE(make_project(folder_, "shop", {{"a", "one"}, {"a/b", "two"}}));
  EXPECT_FALSE(make_project(folder_, "shop", {{"a", "one"}, {"a", "again"}}));
  EXPECT_THAT(entries(), IsEmpty());
}

}  // namespace
}  // namespace forklift::cli
