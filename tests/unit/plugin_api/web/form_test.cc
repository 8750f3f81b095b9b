// read_form(): what becomes of files, and what it costs. What it makes of bytes is in the corpus.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <forklift/web/form.hpp>

#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "request.h"

namespace web_test {
namespace {

using namespace forklift::web;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;
using testing::Pair;

constexpr const char* kType = "multipart/form-data; boundary=b";

std::string text_part(const std::string& name, const std::string& value) {
  return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}
std::string file_part(const std::string& name, const std::string& filename, const std::string& content) {
  return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"" + filename +
         "\"\r\nContent-Type: image/png\r\n\r\n" + content + "\r\n";
}

template <class... More>
auto read_multipart(const std::string& bytes, More&&... more) {
  const Variables variables{{"CONTENT_TYPE", kType}};
  Arriving arriving(bytes);
  arriving.first = arriving.piece = 1000;
  forklift::Body body(&arriving);
  return read_form(forklift::Env(&variables), body, more...);
}

std::string content_of(const UploadedFile& file) {
  std::ifstream stream("/proc/self/fd/" + std::to_string(file.fd()), std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(WebForm, PutsFilesIntoTheirFolder) {
  const UploadFolder folder("/tmp");
  const std::string large(100'000, '\r');
  const Form form = read_multipart(text_part("title", "A day") + file_part("photo", "../a.png", large) +
                                       file_part("more", "b", "") + text_part("text", "x") + "--b--\r\n",
                                   folder);
  EXPECT_THAT(form.fields, ElementsAre(Pair("title", "A day"), Pair("text", "x")));
  ASSERT_EQ(form.files.size(), 2u);
  EXPECT_EQ(form.files[0].name(), "photo");
  EXPECT_EQ(form.files[0].filename(), "../a.png");
  EXPECT_EQ(form.files[0].safe_filename(), "a.png");
  EXPECT_EQ(form.files[0].content_type(), "image/png");
  EXPECT_EQ(form.files[0].size(), large.size());
  EXPECT_EQ(content_of(form.files[0]), large);
  EXPECT_EQ(form.files[1].size(), 0u);
}

TEST(WebForm, TakesNoFilesUnlessTheyAreWanted) {
  EXPECT_THAT(read_multipart(text_part("a", "1") + file_part("f", "", "") + "--b--"), ElementsAre(Pair("a", "1")));
  EXPECT_EQ(refusal_of([] { read_multipart(file_part("f", "x", "") + "--b--"); }), "400 this page takes no files");
  EXPECT_EQ(refusal_of([] { read_multipart(file_part("f", "", "x") + "--b--"); }), "400 this page takes no files");
}

class Counting : public FileSink {
 public:
  void begin(const Part&, const Fields&) override {}
  void data(std::string_view piece) override { size += piece.size(); }
  void end() override { ++files; }

  std::uint64_t size = 0;
  int files = 0;
};

class Choosy : public Counting {
 public:
  void begin(const Part&, const Fields& before) override {
    if (before["token"] != "right") throw Refusal(403, "the token is wrong");
  }
};

TEST(WebForm, GivesFilesToASinkThatMayRefuseThem) {
  Choosy sink;
  const Fields fields =
      read_multipart(text_part("token", "right") + file_part("f", "x", std::string(5000, 'x')) + "--b--", sink);
  EXPECT_THAT(fields, ElementsAre(Pair("token", "right")));
  EXPECT_EQ(sink.size, 5000u);
  EXPECT_EQ(sink.files, 1);
  EXPECT_EQ(refusal_of([&] { read_multipart(file_part("f", "x", "1") + text_part("token", "right") + "--b--", sink); }),
            "403 the token is wrong");
}

TEST(WebForm, RefusesATooLongTextBeforeItIsRead) {
  const Variables variables{{"CONTENT_TYPE", "application/x-www-form-urlencoded"}};
  const std::string bytes = "a=" + std::string(3 * 9 + 2 * 2, '8');
  Arriving arriving(bytes);
  forklift::Body body(&arriving);
  FormLimits limits;
  limits.text_bytes = 9;
  limits.fields = 2;
  EXPECT_EQ(refusal_of([&] { read_form(forklift::Env(&variables), body, limits); }),
            "413 the form has more text than this page takes");
  EXPECT_EQ(arriving.taken, 0u);
}

// How it is written on the way is nothing that a page's author chooses.
TEST(WebForm, CountsTheSameTextsWhicheverWayTheyAreSent) {
  FormLimits limits;
  limits.fields = 2;
  limits.field_bytes = 6;
  limits.text_bytes = 10;
  const auto expect = [&](const std::vector<std::pair<std::string, std::string>>& fields, const std::string& outcome) {
    std::string parts, query;
    for (const auto& [name, value] : fields) {
      parts += text_part(name, value);
      query += (query.empty() ? "" : "&") + forklift::web::encode_url(name) + "=" + forklift::web::encode_url(value);
    }
    EXPECT_EQ(refusal_of([&] { EXPECT_THAT(read_multipart(parts + "--b--", limits), ElementsAreArray(fields)); }),
              outcome);
    const Variables variables{{"CONTENT_TYPE", "application/x-www-form-urlencoded"}};
    Arriving arriving(query);
    forklift::Body body(&arriving);
    EXPECT_EQ(
        refusal_of([&] { EXPECT_THAT(read_form(forklift::Env(&variables), body, limits), ElementsAreArray(fields)); }),
        outcome);
  };
  expect({{"ä", "€€"}, {"ö", ""}}, "fine");  // 10 bytes, which are 30 when they are encoded
  expect({{"aaaa", "xxx"}, {"bb", "y"}}, "fine");
  expect({{"ä", "€€"}, {"ö", "x"}}, "413 the form has more text than this page takes");
  expect({{"aaaaaaaaaaa", ""}}, "413 the form has more text than this page takes");
  expect({{"", "€€x"}}, "413 the form has a longer field than this page takes");
  expect({{"a", ""}, {"a", ""}, {"a", ""}}, "413 the form has more fields than this page takes");
}

TEST(WebForm, TakesAnyLimits) {
  constexpr auto kNone = std::numeric_limits<std::size_t>::max();
  const Variables variables{{"CONTENT_TYPE", "application/x-www-form-urlencoded"}};
  Arriving arriving("a=1");
  forklift::Body body(&arriving);
  EXPECT_THAT(read_form(forklift::Env(&variables), body, FormLimits{kNone, kNone, kNone, kNone, kNone, kNone}),
              ElementsAre(Pair("a", "1")));
}

// A body that is never in memory: a part's head, then `size` bytes, then the end.
class Huge : public forklift_body {
 public:
  explicit Huge(std::uint64_t size) : forklift_body{FORKLIFT_VERSION_OF(forklift_body), 0, do_read, do_read} {
    content_ = size;
    length = head_.size() + size + tail_.size();
  }

 private:
  static std::int64_t do_read(forklift_body* base, void* buffer, std::size_t size) {
    Huge& self = static_cast<Huge&>(*base);
    char* to = static_cast<char*>(buffer);
    std::size_t count = 0;
    for (; count < size && self.at_ < self.length; ++count, ++self.at_) to[count] = self.byte(self.at_);
    return static_cast<std::int64_t>(count);
  }
  char byte(std::uint64_t at) const {
    if (at < head_.size()) return head_[at];
    at -= head_.size();
    return at < content_ ? "\r\n--x"[at % 5] : tail_[at - content_];
  }

  const std::string head_ = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n";
  const std::string tail_ = "\r\n--b--\r\n";
  std::uint64_t content_ = 0;
  std::uint64_t at_ = 0;
};

long peak_kilobytes() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(WebForm, TakesALargeFileInConstantMemory) {
  constexpr std::uint64_t kSize = 64 * 1024 * 1024;
  const Variables variables{{"CONTENT_TYPE", kType}};
  const long before = peak_kilobytes();
  Huge huge(kSize);
  forklift::Body body(&huge);
  Counting sink;
  read_form(forklift::Env(&variables), body, sink);
  EXPECT_EQ(sink.size, kSize);
  EXPECT_LT(peak_kilobytes() - before, 8 * 1024);
}

}  // namespace
}  // namespace web_test
