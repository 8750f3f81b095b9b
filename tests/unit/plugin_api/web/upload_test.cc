#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <forklift/web/upload.hpp>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <system_error>

#include "request.h"

namespace web_test {
namespace {

using namespace forklift::web;
namespace fs = std::filesystem;

TEST(WebSafeFilename, IsTheLastComponent) {
  EXPECT_EQ(safe_filename("report.pdf"), "report.pdf");
  EXPECT_EQ(safe_filename("../../etc/passwd"), "passwd");
  EXPECT_EQ(safe_filename("C:\\Documents\\my report.pdf"), "my report.pdf");
  EXPECT_EQ(safe_filename("caf\xc3\xa9.txt"), "caf\xc3\xa9.txt");
}

TEST(WebSafeFilename, IsNeverEmptyNorSpecial) {
  for (const char* odd : {"", "/", ".", "..", "a/", "a/..", "...", " ", "-", ". .", "..\\"}) {
    EXPECT_EQ(safe_filename(odd), "file") << odd;
  }
  EXPECT_EQ(safe_filename(".htaccess"), "htaccess");
  for (const char* device : {"CON", "nul.txt", "aux", "Lpt1.tar.gz"}) {
    EXPECT_EQ(safe_filename(device), std::string("_") + device);
  }
  EXPECT_EQ(safe_filename("com.txt"), "com.txt");
  EXPECT_EQ(safe_filename("a\xc2\x9b"
                          "31m\xe2\x80\xaeg\xe2\x80\xa8.txt"),
            "a_31m_g_.txt");
  EXPECT_EQ(safe_filename("-rf"), "rf");
  EXPECT_EQ(safe_filename("a. "), "a");
}

TEST(WebSafeFilename, ReplacesWhatNoFileShouldBeCalled) {
  EXPECT_EQ(safe_filename("a\n\x7f\x1b[31m.txt"), "a___[31m.txt");
  EXPECT_EQ(safe_filename("a<b>c:d\"e|f?g*h"), "a_b_c_d_e_f_g_h");
  EXPECT_EQ(safe_filename("a:b"), "a_b");
  for (const char* bad : {"\xff", "\xc0\xaf", "\x80", "\xc3", "\xf5\x80\x80\x80"}) {
    EXPECT_EQ(safe_filename(std::string("a") + bad).find_first_not_of("a_"), std::string::npos);
  }
  EXPECT_EQ(safe_filename("a\xed\xa0\x80"), "a___") << "a surrogate";
  EXPECT_EQ(safe_filename("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");
}

TEST(WebSafeFilename, IsShortAndKeepsItsEnding) {
  EXPECT_EQ(safe_filename(std::string(300, 'x') + ".jpeg"), std::string(195, 'x') + ".jpeg");
  EXPECT_EQ(safe_filename(std::string(300, 'x')), std::string(200, 'x'));
  std::string accents;
  for (int i = 0; i < 150; ++i) accents += "\xc3\xa9";
  EXPECT_EQ(safe_filename("x" + accents).size(), 199u) << "no half characters";
  EXPECT_EQ(safe_filename("nul." + std::string(300, 'x')), "_nul." + std::string(195, 'x'));
  EXPECT_EQ(safe_filename("nul" + std::string(300, ' ') + "x"), "_nul");
}

class Folder {
 public:
  Folder() : path_(::mkdtemp(template_)) {}
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  char template_[32] = "/tmp/upload_test.XXXXXX";
  std::string path_;
};

std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

int errno_of(const std::function<void()>& call) {
  try {
    call();
    return 0;
  } catch (const std::system_error& error) {
    return error.code().value();
  }
}

UploadedFile upload(const UploadFolder& folder, std::string_view content) {
  UploadedFile file = folder.make_file({"photo", "a.png", "image/png"});
  file.write(content);
  file.rewind();
  return file;
}

TEST(WebUpload, LeavesNothingInItsFolderUnlessSaved) {
  const Folder place;
  const UploadFolder folder(place.path());
  {
    const UploadedFile file = upload(folder, "content");
    EXPECT_EQ(file.size(), 7u);
    EXPECT_NE(::fcntl(file.fd(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_TRUE(fs::is_empty(place.path()));
  }
  EXPECT_TRUE(fs::is_empty(place.path()));
}

TEST(WebUpload, IsSavedUnderANameWithItsMode) {
  const Folder place;
  UploadedFile file = upload(UploadFolder(place.path()), "content");
  file.save_as(place / "saved", 0640);
  EXPECT_EQ(read_file(place / "saved"), "content");
  EXPECT_EQ(fs::status(place / "saved").permissions(), fs::perms(0640));
}

TEST(WebUpload, OverwritesNothing) {
  const Folder place;
  std::ofstream(place / "taken") << "older";
  UploadedFile file = upload(UploadFolder(place.path()), "content");
  EXPECT_EQ(errno_of([&] { file.save_as(place / "taken"); }), EEXIST);
  EXPECT_EQ(read_file(place / "taken"), "older");
  file.save_as(place / "free");
  EXPECT_EQ(read_file(place / "free"), "content");
}

TEST(WebUpload, IsMovedWithItsDescriptor) {
  UploadedFile first = upload(UploadFolder("/tmp"), "first");
  const int fd = first.fd();
  UploadedFile second(std::move(first));
  EXPECT_EQ(second.fd(), fd);
  EXPECT_EQ(second.size(), 5u);
  UploadedFile third = upload(UploadFolder("/tmp"), "third file");
  third = std::move(second);
  EXPECT_EQ(third.fd(), fd);
  EXPECT_EQ(third.name(), "photo");
}

TEST(WebUploadFolder, IsTriedOutWhenItIsMade) {
  const Folder place;
  EXPECT_EQ(errno_of([&] { UploadFolder(place / "missing"); }), ENOENT);
  std::ofstream(place / "file") << "x";
  EXPECT_EQ(errno_of([&] { UploadFolder(place / "file"); }), ENOTDIR);
}

}  // namespace
}  // namespace web_test
