// Programs that people run as CGI, from the distribution, through conf/cgi.yaml behind nginx and Apache: cgit, gitweb,
// hgweb, fossil, php-cgi.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "cgi/conf_site.h"
#include "cgi/tools.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

using testing::HasSubstr;

// Interpreters start slowly on a machine that runs other tests too.
constexpr milliseconds kPagePatience = seconds(20);

class CgiPages : public testing::TestWithParam<FrontRoad> {
 protected:
  CgiPages() : site_(GetParam()) {}

  void TearDown() override {
    if (HasFailure()) fmt::print("---- the front's log ----\n{}-------------------------\n", site_.front().log());
  }

  Response ask(const HttpRequest& request) const { return fetch(site_.front().endpoint(), request, kPagePatience); }
  // A page that has to be there, and to have `text` in it.
  void expect_page(const std::string& target, const std::string& text) const {
    const Response response = ask(HttpRequest::get(target));
    EXPECT_TRUE(response.complete(200)) << target << ": " << response;
    EXPECT_THAT(response.body, HasSubstr(text)) << target;
  }

  // A repository `shop.git` with one commit of one file.
  void make_git_repository() const {
    const std::string bare = site_.srv() + "/git/shop.git";
    const std::string clone = tools_.folder() / "clone";
    tools_.run({"git", "init", "-q", "--bare", bare}, "/");
    write_file(bare + "/description", "What the shop sells\n");
    tools_.run({"git", "clone", "-q", bare, clone}, "/");
    write_file(clone + "/list of goods.txt", "apples & pears\n");
    tools_.run({"git", "add", "."}, clone);
    tools_.run({"git", "commit", "-q", "-m", "Sell fruit"}, clone);
    tools_.run({"git", "push", "-q", "origin", "HEAD:main"}, clone);
  }

  ConfSite site_;
  Tools tools_;
};

TEST_P(CgiPages, CgitShowsRepositories) {
  make_git_repository();
  site_.start();
  expect_page("/cgit", "What the shop sells");
  expect_page("/cgit/", "href='/cgit/shop/'");
  expect_page("/cgit/shop/", "Sell fruit");
  expect_page("/cgit/shop/log/", "Sell fruit");
  expect_page("/cgit/shop/tree/list%20of%20goods.txt", "apples &amp; pears");
  expect_page("/cgit/shop/plain/list%20of%20goods.txt", "apples & pears\n");
  expect_page("/cgit/?q=shop", "What the shop sells");
  expect_page("/cgit-static/cgit.css", "div#cgit");
  const Response missing = ask(HttpRequest::get("/cgit/nothing/"));
  EXPECT_TRUE(missing.complete(404)) << missing;
}

TEST_P(CgiPages, GitwebShowsRepositories) {
  make_git_repository();
  write_file(site_.srv() + "/gitweb.conf", fmt::format("$projectroot = \"{}/git\";\n", site_.srv()));
  site_.add_program(
      "gitweb.cgi",
      fmt::format("#!/bin/sh\nGITWEB_CONFIG={}/gitweb.conf exec /usr/share/gitweb/gitweb.cgi\n", site_.srv()));
  site_.start();
  expect_page("/cgi-bin/gitweb.cgi", "What the shop sells");
  expect_page("/cgi-bin/gitweb.cgi?p=shop.git;a=summary", "Sell fruit");
  expect_page("/cgi-bin/gitweb.cgi/shop.git/blob_plain/main:/list%20of%20goods.txt", "apples & pears\n");
  const Response missing = ask(HttpRequest::get("/cgi-bin/gitweb.cgi?p=nothing.git;a=summary"));
  EXPECT_TRUE(missing.complete(404)) << missing;
}

TEST_P(CgiPages, MercurialClonesAndPushes) {
  const std::string repository = site_.srv() + "/hg";
  tools_.run({"hg", "init", repository}, "/");
  write_file(repository + "/.hg/hgrc", "[web]\nallow-push = *\npush_ssl = false\n");
  site_.add_program("hgweb.cgi", fmt::format("#!/usr/bin/python3\n"
                                             "from mercurial.hgweb import hgweb, wsgicgi\n"
                                             "wsgicgi.launch(hgweb(b'{}', b'shop'))\n",
                                             repository));
  site_.start();
  const std::string url = site_.url("/cgi-bin/hgweb.cgi");
  const std::string one = tools_.folder() / "one";
  const std::string other = tools_.folder() / "other";
  tools_.run({"hg", "clone", "-q", url, one}, "/");
  write_file(one + "/large", std::string(3 << 20, 'x'));
  tools_.run({"hg", "--config", "ui.username=alice", "commit", "-q", "-A", "-m", "Sell fruit"}, one);
  tools_.run({"hg", "push", "-q", url}, one);
  expect_page("/cgi-bin/hgweb.cgi", "Sell fruit");
  tools_.run({"hg", "clone", "-q", url, other}, "/");
  EXPECT_EQ(read_file(other + "/large").size(), 3U << 20);
  tools_.run({"hg", "verify", "-q"}, other);
  EXPECT_EQ(tools_.run({"hg", "id", "-i"}, other), tools_.run({"hg", "id", "-i"}, one));
}

TEST_P(CgiPages, FossilClones) {
  const std::string repository = site_.srv() + "/shop.fossil";
  const std::string checkout = tools_.folder() / "checkout";
  const std::string clone = tools_.folder() / "clone.fossil";
  fs::create_directory(checkout);
  tools_.run({"fossil", "init", "-A", "alice", repository}, "/");
  tools_.run({"fossil", "open", repository}, checkout);
  write_file(checkout + "/fruit", "apples & pears\n");
  tools_.run({"fossil", "add", "fruit"}, checkout);
  tools_.run({"fossil", "commit", "-m", "Sell fruit", "--no-warnings", "--nosign"}, checkout);
  tools_.run({"fossil", "close"}, checkout);
  // A process of its own for housekeeping, which leaves the program's group and lives on for a minute.
  tools_.run({"fossil", "setting", "backoffice-disable", "1", "-R", repository}, "/");
  site_.add_program("fossil", fmt::format("#!/usr/bin/fossil\nrepository: {}\n", repository));
  site_.start();
  expect_page("/cgi-bin/fossil/timeline", "Sell fruit");
  tools_.run({"fossil", "clone", site_.url("/cgi-bin/fossil"), clone}, "/");
  EXPECT_THAT(tools_.run({"fossil", "timeline", "-R", clone}, "/"), HasSubstr("Sell fruit"));
}

TEST_P(CgiPages, PhpTakesAnUpload) {
  write_file(site_.srv() + "/cgi-bin/upload.php",
             "<?php\nheader('X-Method: ' . $_SERVER['REQUEST_METHOD']);\nhttp_response_code(201);\n"
             "echo $_POST['title'], ' ', $_FILES['file']['name'], ' ', $_FILES['file']['size'], ' ',\n"
             "  sha1_file($_FILES['file']['tmp_name']), ' ', $_SERVER['SCRIPT_NAME'], ' ', $_GET['a'], \"\\n\";\n");
  site_.start();
  const std::string body =
      "--line\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nfruit\r\n"
      "--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"goods.bin\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n" +
      std::string(1'000'000, 'a') + "\r\n--line--\r\n";
  const Response response = ask(HttpRequest::post("/cgi-bin/upload.php?a=b", text_body(body))
                                    .add("Content-Type", "multipart/form-data; boundary=line"));
  EXPECT_TRUE(response.complete(201)) << response;
  EXPECT_EQ(response.header("X-Method"), "POST");
  // SHA-1 of a million times "a": FIPS 180-2, appendix A.3.
  EXPECT_EQ(response.body, "fruit goods.bin 1000000 34aa973cd4c4daa4f61eeb2bdbad27316534016f /cgi-bin/upload.php b\n");
}

INSTANTIATE_TEST_SUITE_P(Behind, CgiPages,
                         testing::Values(FrontRoad{FrontKind::kNginx, false}, FrontRoad{FrontKind::kApache, true}),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace harness
