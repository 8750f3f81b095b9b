// The plugin `upload`, behind each front server: forms as curl(1) sends them, and as nobody should.

#include <algorithm>
#include <filesystem>
#include <vector>

#include "cgi/tools.h"
#include "harness/behind_front.h"
#include "harness/command.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A folder whose settings are in the YAML before the server is there.
struct HasFolder {
  TempDir uploads;
};

class UploadTest : protected HasFolder, public BehindFront {
 protected:
  UploadTest()
      : BehindFront({{.name = "upload",
                      .plugin = plugin_file("upload"),
                      .more = fmt::format("limits: {{body: 32M}}\nsettings: {{folder: {}, keep: yes, file: 9M}}\n",
                                          uploads.path())}}) {}

  std::string url() const { return "http://" + front_.endpoint().to_string() + "/upload"; }

  // What curl shows of the page.
  std::string curl(std::vector<std::string> words) const {
    words.insert(words.begin(),
                 {"curl", "--silent", "--show-error", "--include", "--noproxy", "*", "--max-time", "60"});
    words.push_back(url());
    return tools_.run(words, tools_.folder().path());
  }

  // The one file that was kept.
  std::string kept() const {
    std::vector<std::string> paths;
    for (const auto& file : fs::directory_iterator(uploads.path())) paths.push_back(file.path());
    EXPECT_EQ(paths.size(), 1u);
    return paths.empty() ? "" : paths.front();
  }

  std::string make_file(const std::string& name, std::size_t size) const {
    std::string content(size, '\0');
    pattern_body(size).fill(0, content.data(), size);
    for (std::size_t at = 0; at + 8 < size; at += 1000) content.replace(at, 4, "\r\n--");
    write_file(tools_.folder() / name, content);
    return content;
  }

  Response post(const std::string& type, const std::string& text) const {
    return ask(HttpRequest::post("/upload", text_body(text)).add("Content-Type", type));
  }

  Tools tools_;
};

TEST_P(UploadTest, AFileOfSomeMegabytesIsKeptAsItIs) {
  const std::string content = make_file("large file.bin", 8 * kMegabyte);
  const std::string page =
      curl({"--form", "title=A <b>day</b> & \"night\"", "--form", "file=@large file.bin;type=image/x"});
  EXPECT_THAT(page, HasSubstr(" 200 "));
  EXPECT_THAT(page, HasSubstr("<dt>title<dd>A &lt;b&gt;day&lt;/b&gt; &amp; &quot;night&quot;\n"));
  EXPECT_THAT(page, HasSubstr("<dt>file<dd>large file.bin, image/x, 8388608 bytes, kept as "));
  EXPECT_THAT(kept(), testing::EndsWith("-1-large file.bin"));
  EXPECT_TRUE(read_file(kept()) == content) << "not the bytes that were sent";
}

TEST_P(UploadTest, OddNamesAreShownAndNotFollowed) {
  make_file("x", 5);
  const std::string page = curl({"--form", "file=@x;filename=\"../../<i>.png\"", "--form-string", "@a=b&c=%41"});
  EXPECT_THAT(page, HasSubstr("<dd>../../&lt;i&gt;.png, "));
  EXPECT_THAT(page, HasSubstr("<dt>@a<dd>b&amp;c=%41\n"));
  EXPECT_THAT(kept(), testing::EndsWith("-1-_i_.png"));
}

TEST_P(UploadTest, SeveralFilesAndNoneAtAll) {
  make_file("one", 1);
  make_file("empty", 0);
  const std::string page = curl({"--form", "file=@one", "--form", "file=@empty", "--form", "file=;filename=\"\""});
  EXPECT_THAT(page, HasSubstr("<dd>one, application/octet-stream, 1 bytes"));
  EXPECT_THAT(page, HasSubstr("<dd>empty, application/octet-stream, 0 bytes"));
  EXPECT_EQ(std::distance(fs::directory_iterator(uploads.path()), fs::directory_iterator()), 2);
}

TEST_P(UploadTest, TheFormIsThereAndWithoutFilesItNeedsNoMultipart) {
  const Response form = ask(HttpRequest::get("/upload"));
  EXPECT_TRUE(form.complete(200)) << form;
  EXPECT_THAT(form.body, HasSubstr("enctype=multipart/form-data"));
  const std::string page = curl({"--data-urlencode", "title=blue & green", "--data-urlencode", "title=\xc3\xa9"});
  EXPECT_THAT(page, HasSubstr("<dt>title<dd>blue &amp; green\n<dt>title<dd>\xc3\xa9\n"));
}

TEST_P(UploadTest, WhatIsWrongIsAnsweredWithItsReasonAndLeavesNothing) {
  const std::string type = "multipart/form-data; boundary=b";
  const std::string head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n";
  const Response cut = post(type, head + "half of it");
  EXPECT_TRUE(cut.complete(400)) << cut;
  EXPECT_EQ(cut.body, "the form ends before its last boundary\n");
  const Response large = post(type, head + std::string(9 * kMegabyte + 1, 'x') + "\r\n--b--\r\n");
  EXPECT_TRUE(large.complete(413)) << large;
  EXPECT_EQ(large.body, "the form has a larger file than this page takes\n");
  const Response other = post("application/json", "{}");
  EXPECT_TRUE(other.complete(415)) << other;
  const Response method = ask(HttpRequest("DELETE", "/upload"));
  EXPECT_TRUE(method.complete(405)) << method;
  EXPECT_EQ(method.header("Allow"), "GET, HEAD, POST");
  EXPECT_TRUE(fs::is_empty(uploads.path()));
}

INSTANTIATE_TEST_SUITE_P(Behind, UploadTest, all_front_roads(), testing::PrintToStringParamName());

TEST(UploadStart, AFolderThatTakesNoFilesIsToldWithItsPlace) {
  Server server(
      {{.name = "upload", .plugin = plugin_file("upload"), .more = "settings: {folder: /nobody/has/this}\n"}});
  server.write_config();
  Command check("check", server);
  EXPECT_EQ(check.wait(), ExitStatus::exited(2));
  EXPECT_THAT(check.output(), HasSubstr("making a file for an upload in /nobody/has/this: No such file or directory"));
}

}  // namespace
}  // namespace harness
